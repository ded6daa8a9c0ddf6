"""What goes wrong in a browser without anybody seeing it."""

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

# Chromium's own words for an answer of 400 or more; `_answered` judges those.
_FAILED_RESOURCE = "Failed to load resource"


class Watch:
    """Collects console errors, CSP violations, uncaught errors and failed requests."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def follow(self, context: BrowserContext) -> None:
        """Watch every page of this browser."""
        context.on("console", self._said)
        context.on("weberror", self._threw)
        context.on("response", self._answered)
        context.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"} or message.text.startswith(_FAILED_RESOURCE):
            return
        self.troubles.append(f"{message.type}: {message.text} ({message.location})")

    def _threw(self, error: WebError) -> None:
        self.troubles.append(f"uncaught: {error.error}")

    def _answered(self, response: Response) -> None:
        # The script sends forms as well: what is wrong in one is no trouble.
        is_page = response.request.is_navigation_request() or response.request.method == "POST"
        if response.status >= 500 or (response.status >= 400 and not is_page):
            self.troubles.append(f"{response.status}: {response.url}")

    def _asked(self, request: Request) -> None:
        """Note a page that asks anything of a stranger."""
        if not request.url.startswith(("http://127.0.0.1:", "data:")):
            self.troubles.append(f"asked elsewhere: {request.url}")
