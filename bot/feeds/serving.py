"""GET /calendar.ics: the token, the ETag, and nothing about either in any log."""

import hmac
from dataclasses import dataclass

from aiohttp import web

from bot.feeds.upgrades import UpgradeCalendar

_LONGEST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class CalendarRequests:
    """Answers requests for the calendar; whoever has no token learns nothing, not even that there is one."""

    calendar: UpgradeCalendar
    token: str

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve the feed, 304 where it is what the reader has, 404 without the token."""
        given = request.query.get("token", "")
        if not hmac.compare_digest(given.encode(errors="replace"), self.token.encode()):
            raise web.HTTPNotFound
        environment = request.query.get("environment", "")[:_LONGEST] or None
        feed = await self.calendar.feed(environment)
        headers = {"ETag": feed.etag, "Cache-Control": "private, max-age=60"}
        if feed.etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=feed.body, content_type="text/calendar", charset="utf-8", headers=headers)
