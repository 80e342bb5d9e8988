"""`secrets.new`: what scanners for secrets found that the change brings."""

from collections import Counter

from app.language import Name, Value, ValueType
from app.model import Kind
from app.policy.counting import count_new
from app.policy.judged import Judged
from app.policy.newcode import Age, known_finding
from app.policy.protocol import Fact, Family


def _new(judged: Judged) -> Value:
    by_age = Counter(one.age for one in judged.secrets)
    return count_new(by_age, judged.gather(Kind.SECRETS), judged, judged.compared(Kind.SECRETS))


SECRETS = Family(
    name="secrets",
    doc="Secrets that scanners found, over all required checks; findings() counts none of them.",
    facts={
        "secrets.new": Fact(
            meaning=Name(
                type=ValueType.NUMBER,
                doc="Secrets that the change brings, also those that only a commit of it holds.",
                kinds=frozenset({Kind.SECRETS}),
                gate_only=True,
            ),
            words="new secrets",
            read=_new,
            things=lambda judged: (known_finding(one) for one in judged.secrets if one.age is Age.NEW),
        ),
    },
)
