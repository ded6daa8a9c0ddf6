"""Turn a template that Django has parsed into a plain function, once for each language.

Django walks a template's nodes at every rendering, and looks up every translation and format
again; that is most of what an email would cost. The function writes the same text, or fails: then
Django renders the template itself, and says what is wrong and in which line.
"""

from collections.abc import Callable, Mapping
from typing import Any

from django.template import Context, Engine, Node
from django.template.base import FilterExpression, NodeList, Template, TextNode, VariableNode
from django.template.defaulttags import ForNode, IfNode, TemplateLiteral, WithNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.templatetags.i18n import BlockTranslateNode, GetCurrentLanguageNode, TranslateNode
from django.utils import translation

from notifications.fragments import (
    OPERATORS,
    Facts,
    NotCompilable,
    Piece,
    Text,
    Value,
    always,
    always_be,
    apply_filter,
    assign,
    join,
    look_up,
    repeat_for_each,
    writer,
)

_CONSTANTS = {"True": True, "False": False, "None": None}


def compile_template(template: Template, *, is_html: bool) -> Text:
    """Return the function that renders it in the language active now."""
    write = _Compiler(template.engine, is_html=is_html).nodes(template.nodelist)
    return lambda facts: write({**_CONSTANTS, **facts})


class _Compiler:
    """Makes one template's function, with the blocks of those that extend it.

    Where a node is `Any`, Django's stubs know less of it than there is.
    """

    def __init__(self, engine: Engine, *, is_html: bool) -> None:
        self._engine = engine
        self._is_html = is_html
        self._write = writer(is_html=is_html)
        self._blocks: dict[str, BlockNode] = {}
        self._makers: dict[type[Node], Callable[[Any], Piece]] = {
            TextNode: lambda node: str(node.s),
            VariableNode: self._variable,
            IfNode: self._if,
            ForNode: self._for,
            WithNode: self._with,
            IncludeNode: self._include,
            ExtendsNode: self._extends,
            BlockNode: self._block,
            TranslateNode: self._translate,
            BlockTranslateNode: self._block_translate,
            GetCurrentLanguageNode: self._language,
        }

    def nodes(self, nodes: NodeList) -> Text:
        return join([self._piece(node) for node in nodes])

    def _piece(self, node: Node) -> Piece:
        make = self._makers.get(type(node))
        if make is None:
            raise NotCompilable(type(node).__name__)
        return make(node)

    def _variable(self, node: VariableNode) -> Text:
        value, write = self._value(node.filter_expression), self._write
        return lambda facts: write(value(facts))

    def _if(self, node: IfNode) -> Text:
        branches = [
            (self._condition(condition) if condition else always, self.nodes(nodes))
            for condition, nodes in node.conditions_nodelists
        ]

        if len(branches) == 1:
            ((only_if, only),) = branches
            return lambda facts: only(facts) if only_if(facts) else ""

        def choose(facts: Facts) -> str:
            for is_so, text in branches:
                if is_so(facts):
                    return text(facts)
            return ""

        return choose

    def _for(self, node: Any) -> Text:
        if len(node.loopvars) != 1 or node.is_reversed:
            raise NotCompilable("for")
        (name,) = node.loopvars
        sequence, empty = self._value(node.sequence), self.nodes(node.nodelist_empty)
        each = self.nodes(node.nodelist_loop)

        def repeat(facts: Facts) -> str:
            values: list[Any] = sequence(facts)
            if not isinstance(values, list):
                raise TypeError(f"{name} runs over what is no list.")
            return repeat_for_each(each, name, values, facts) if values else empty(facts)

        return repeat

    def _with(self, node: WithNode) -> Text:
        values, text = self._values(node.extra_context), self.nodes(node.nodelist)
        return lambda facts: text({**facts, **values(facts)})

    def _include(self, node: IncludeNode) -> Text:
        if node.isolated_context:
            raise NotCompilable("include … only")
        included = self._engine.get_template(_constant(node.template))
        values = self._values(node.extra_context)
        text = _Compiler(self._engine, is_html=self._is_html).nodes(included.nodelist)
        return lambda facts: text({**facts, **values(facts)})

    def _extends(self, node: Any) -> Text:
        self._blocks = {**node.blocks, **self._blocks}
        return self.nodes(self._engine.get_template(_constant(node.parent_name)).nodelist)

    def _block(self, node: BlockNode) -> Text:
        text = self.nodes(self._blocks.get(node.name, node).nodelist)
        return lambda facts: text({**facts})

    def _translate(self, node: TranslateNode) -> Piece:
        if node.filter_expression.filters or node.filter_expression.var.literal is None:
            raise NotCompilable("translate")
        context = Context(autoescape=self._is_html)
        text = str(node.render(context))
        return assign(node.asvar, context[node.asvar]) if node.asvar else text

    def _block_translate(self, node: Any) -> Text:
        if node.message_context or node.asvar:
            raise NotCompilable("blocktranslate")
        counted = {node.countervar: node.counter} if node.countervar else {}
        values = self._values({**node.extra_context, **counted})
        singular, names = node.render_token_list(node.singular)
        plural, more_names = node.render_token_list(node.plural or [])
        write, only = self._write, translation.gettext(singular)

        def say(facts: Facts) -> str:
            given = values(facts)
            said = {
                name: write(given[name] if name in given else facts[name])
                for name in (*names, *more_names)
            }
            if node.countervar:
                return translation.ngettext(singular, plural, given[node.countervar]) % said
            return only % said

        return say

    def _language(self, node: GetCurrentLanguageNode) -> Text:
        return assign(node.variable, translation.get_language())

    def _condition(self, token: Any) -> Value:
        if isinstance(token, TemplateLiteral):
            return self._value(token.value)
        if token.id == "not":
            condition = self._condition(token.first)
            return lambda facts: not condition(facts)
        if token.id not in OPERATORS:
            raise NotCompilable(f"if … {token.id} …")
        return OPERATORS[token.id](self._condition(token.first), self._condition(token.second))

    def _values(self, expressions: Mapping[str, FilterExpression]) -> Callable[[Facts], Facts]:
        values = [(name, self._value(expression)) for name, expression in expressions.items()]
        return lambda facts: {name: value(facts) for name, value in values}

    def _value(self, expression: Any) -> Value:
        value = look_up(expression.var) if expression.is_var else always_be(expression.var)
        for function, arguments in expression.filters:
            value = apply_filter(function, value, arguments)
        return value


def _constant(expression: FilterExpression) -> str:
    if expression.is_var or expression.filters or str(expression.var).startswith("."):
        raise NotCompilable(str(expression))
    return str(expression.var)
