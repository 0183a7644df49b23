"""What a token may see and do: organisations and roles. Only doctor reads these."""

from dataclasses import dataclass

from bot.avisi.lenient import Body, Text
from bot.domain.cluster import Organisation


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """The token's owner in an organisation; `role` is admin, developer, billing-admin or viewer."""

    username: str
    role: str
    kubernetes_role: str


class MembershipBody(Body):
    """An organisation that the token can see."""

    slug: Text = ""

    def as_domain(self) -> Organisation | None:
        """Return its slug."""
        return Organisation(self.slug) if self.slug else None


class MeBody(Body):
    """The membership of the token's owner in one organisation."""

    username: Text = ""
    role: Text = ""
    kubernetes_role: Text = ""

    def as_domain(self) -> Membership:
        """Return the membership."""
        return Membership(username=self.username, role=self.role, kubernetes_role=self.kubernetes_role)
