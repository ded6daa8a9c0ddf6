"""Turn a template that Django has parsed into a Python function, once for each language.

Django walks a template's nodes at every rendering, and looks up every translation and format
again; that is most of what an email would cost. Here the nodes become one Python expression. The
function writes the same text, or fails: then Django renders the template itself, and says what is
wrong and in which line.
"""

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

from django.template import Context, Engine, Node
from django.template.base import (
    FilterExpression,
    NodeList,
    Template,
    TextNode,
    VariableNode,
    render_value_in_context,
)
from django.template.defaulttags import ForNode, IfNode, TemplateLiteral, WithNode
from django.template.loader_tags import BlockNode, ExtendsNode, IncludeNode
from django.templatetags.i18n import BlockTranslateNode, GetCurrentLanguageNode, TranslateNode
from django.utils import translation
from django.utils.safestring import SafeString

Text = Callable[[dict[str, Any]], str]
# A name of the template → the Python expression that it stands for; all others are facts.
Scope = dict[str, str]
_UNCERTAIN = ""  # a name that was given a value in a condition, when the condition is over

_OPERATORS = {"or", "and", "in", "not in", "==", "!=", ">", ">=", "<", "<="}
# Filters that look at more than their arguments are Django's affair.
_DEMANDS = ("is_safe", "needs_autoescape", "expects_localtime")
_CONSTANTS = {"True": "True", "False": "False", "None": "None"}


class NotCompilable(Exception):
    """The template uses what is left to Django."""


class _Code(str):
    """A Python expression of a text; a plain `str` beside it is the text itself."""

    __slots__ = ()


def compile_template(template: Template, *, is_html: bool) -> Text:
    """Return the function that renders it in the language active now."""
    compiler = _Compiler(template.engine, is_html=is_html)
    source = f"lambda facts: {compiler.nodes(template.nodelist, dict(_CONSTANTS))}"
    # What stands in a template is ours, and enters the source as its repr() only.
    function: Text = eval(source, compiler.names)  # noqa: S307
    return function


class _Compiler:
    """Writes one template's function, with the blocks of those that extend it.

    `names` is what the function knows. Where a node is `Any`, Django's stubs know less of it than
    there is.
    """

    def __init__(self, engine: Engine, *, is_html: bool) -> None:
        self.names: dict[str, Any] = {
            "write": _writer(is_html=is_html),
            "checked": _checked,
            "numbered": _numbered,
            "ngettext": translation.ngettext,
        }
        self._engine = engine
        self._is_html = is_html
        self._blocks: dict[str, BlockNode] = {}
        self._makers: dict[type[Node], Callable[[Any, Scope], str]] = {
            TextNode: lambda node, _: str(node.s),
            VariableNode: lambda node, scope: self._written(
                self._value(node.filter_expression, scope)
            ),
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

    def nodes(self, nodes: NodeList, scope: Scope) -> _Code:
        """Return the text of the nodes; what they give a name is added to the scope."""
        pieces = [self._piece(node, scope) for node in nodes]
        said = [
            code
            for is_code, group in groupby(pieces, lambda piece: isinstance(piece, _Code))
            for code in (group if is_code else [repr("".join(group))])
        ]
        return _Code(f"''.join(({''.join(f'{each}, ' for each in said)}))" if said else "''")

    def _piece(self, node: Node, scope: Scope) -> str:
        make = self._makers.get(type(node))
        if make is None:
            raise NotCompilable(type(node).__name__)
        return make(node, scope)

    def _if(self, node: IfNode, scope: Scope) -> _Code:
        code, otherwise, given = "", repr(""), Scope()
        for condition, nodes in node.conditions_nodelists:
            inner = dict(scope)
            text = self.nodes(nodes, inner)
            given |= dict.fromkeys(dict(inner.items() - scope.items()), _UNCERTAIN)
            if condition:
                code += f"{text} if {self._condition(condition, scope)} else "
            else:
                otherwise = text
        scope |= given
        return _Code(f"({code}{otherwise})")

    def _for(self, node: Any, scope: Scope) -> _Code:
        if len(node.loopvars) != 1 or node.is_reversed:
            raise NotCompilable("for")
        value, loop = self._new_name(), self._new_name()
        inner = scope | {node.loopvars[0]: value, "forloop": loop}
        before = dict(inner)
        each = self.nodes(node.nodelist_loop, inner)
        if inner != before:
            raise NotCompilable("a name given in a loop, which the next round has")
        sequence = self._value(node.sequence, scope)
        empty = self.nodes(node.nodelist_empty, dict(scope))
        walk = f"{value}, {loop} in numbered" if loop in each else f"{value} in checked"
        return _Code(f"(''.join([{each} for {walk}({sequence})]) if {sequence} else {empty})")

    def _with(self, node: WithNode, scope: Scope) -> _Code:
        return self._named(
            node.extra_context, scope, lambda inner: self.nodes(node.nodelist, inner)
        )

    def _include(self, node: IncludeNode, scope: Scope) -> _Code:
        if node.isolated_context:
            raise NotCompilable("include … only")
        included = self._engine.get_template(_constant(node.template))
        compiler = _Compiler(self._engine, is_html=self._is_html)
        compiler.names = self.names
        return self._named(
            node.extra_context, scope, lambda inner: compiler.nodes(included.nodelist, inner)
        )

    def _named(
        self,
        values: Mapping[str, FilterExpression],
        scope: Scope,
        write: Callable[[Scope], str],
    ) -> _Code:
        """Return a text in which some values have names."""
        names = {name: self._new_name() for name in values}
        given = ", ".join(self._value(value, scope) for value in values.values())
        return _Code(f"(lambda {', '.join(names.values())}: {write(scope | names)})({given})")

    def _extends(self, node: Any, scope: Scope) -> _Code:
        self._blocks = {**node.blocks, **self._blocks}
        return self.nodes(self._engine.get_template(_constant(node.parent_name)).nodelist, scope)

    def _block(self, node: BlockNode, scope: Scope) -> _Code:
        return self.nodes(self._blocks.get(node.name, node).nodelist, dict(scope))

    def _translate(self, node: TranslateNode, scope: Scope) -> str:
        if node.filter_expression.filters or node.filter_expression.var.literal is None:
            raise NotCompilable("translate")
        context = Context(autoescape=self._is_html)
        text = str(node.render(context))
        if node.asvar:
            scope[node.asvar] = self._kept(context[node.asvar])
        return text

    def _block_translate(self, node: Any, scope: Scope) -> str:
        if node.message_context or node.asvar:
            raise NotCompilable("blocktranslate")
        counted = {node.countervar: node.counter} if node.countervar else {}
        given = {
            name: self._value(value, scope)
            for name, value in {**node.extra_context, **counted}.items()
        }
        singular, names = node.render_token_list(node.singular)
        plural, more_names = node.render_token_list(node.plural or [])
        said = ", ".join(
            f"{name!r}: {self._written(given.get(name) or _looked_up([name], scope))}"
            for name in (*names, *more_names)
        )
        if node.countervar:
            text = f"ngettext({singular!r}, {plural!r}, {given[node.countervar]})"
        else:
            text = repr(translation.gettext(singular))
        return _Code(f"({text} % {{{said}}})")

    def _language(self, node: GetCurrentLanguageNode, scope: Scope) -> str:
        scope[node.variable] = self._kept(translation.get_language())
        return ""

    def _condition(self, token: Any, scope: Scope) -> str:
        if isinstance(token, TemplateLiteral):
            return self._value(token.value, scope)
        if token.id == "not":
            return f"(not {self._condition(token.first, scope)})"
        if token.id not in _OPERATORS:
            raise NotCompilable(f"if … {token.id} …")
        one, other = (self._condition(each, scope) for each in (token.first, token.second))
        return f"({one} {token.id} {other})"

    def _value(self, expression: Any, scope: Scope) -> str:
        """Return the expression of a value, with its filters."""
        code = (
            self._variable(expression.var, scope)
            if expression.is_var
            else self._kept(expression.var)
        )
        for function, arguments in expression.filters:
            given = [
                self._variable(argument, scope) if is_variable else self._kept(SafeString(argument))
                for is_variable, argument in arguments
            ]
            code = f"{self._filter(function)}({', '.join([code, *given])})"
        return code

    def _filter(self, function: Callable[..., Any]) -> str:
        if any(getattr(function, demand, False) for demand in _DEMANDS):
            raise NotCompilable(f"the filter {function.__name__}")
        if getattr(function, "is_pure", False):
            return self._kept(_remembering(function, translation.get_language()))
        return self._kept(function)

    def _variable(self, variable: Any, scope: Scope) -> str:
        if variable.translate or (variable.lookups and variable.lookups[0] == "block"):
            raise NotCompilable(str(variable))
        if variable.literal is not None:
            return self._kept(variable.literal)
        return _looked_up(variable.lookups, scope)

    def _written(self, code: str) -> _Code:
        return _Code(f"write({code})")

    def _kept(self, value: Any) -> str:
        """Return a name under which the function knows the value."""
        name = self._new_name()
        self.names[name] = value
        return name

    def _new_name(self) -> str:
        name = f"_{len(self.names)}_"
        self.names[name] = None
        return name


def _looked_up(lookups: Sequence[str], scope: Scope) -> str:
    """Return the expression that finds a fact; one that is not there is a KeyError."""
    first, *rest = lookups
    if scope.get(first) == _UNCERTAIN:
        raise NotCompilable(f"{first}, which is given under a condition")
    steps = "".join(f"[{int(name) if name.isdigit() else name!r}]" for name in rest)
    return f"{scope.get(first, f'facts[{first!r}]')}{steps}"


def _constant(expression: FilterExpression) -> str:
    if expression.is_var or expression.filters or str(expression.var).startswith("."):
        raise NotCompilable(str(expression))
    return str(expression.var)


def _checked(values: Any) -> list[Any]:
    """Return what a loop runs over; Django would run over anything."""
    if not isinstance(values, list):
        raise TypeError("A loop runs over what is no list.")
    return values


def _numbered(values: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield each value with what templates ask of a loop."""
    last = len(_checked(values)) - 1
    for index, value in enumerate(values):
        place = {"counter": index + 1, "counter0": index, "first": index == 0}
        yield value, place | {"last": index == last}


@cache
def _remembering(function: Callable[..., Any], _language: str) -> Callable[..., Any]:
    """Return the filter with a memory of its own for the language: prices come again and again."""
    return lru_cache(maxsize=4096)(function)


def _writer(*, is_html: bool) -> Callable[[Any], str]:
    """Return what turns a value into text as Django does in the language active now."""
    context = Context(autoescape=is_html)
    escape = html.escape if is_html else str

    @lru_cache(maxsize=1024)
    def write_number(value: int) -> str:
        return str(render_value_in_context(value, context))

    def write(value: Any) -> str:
        kind = value.__class__
        if kind is str:
            return escape(value)
        if kind is int:
            return write_number(value)
        return str(render_value_in_context(value, context))

    return write
