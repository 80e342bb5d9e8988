"""The order of things, and surviving a crash: no rules of its own."""

from app.engine.admission import Quotas
from app.engine.auditing import Verified, verify
from app.engine.borrowed import borrowed
from app.engine.clock import Clock, SharedClock, SystemClock
from app.engine.dispatch import Dispatch, EmbeddedDispatch, FleetDispatch
from app.engine.engine import Engine
from app.engine.intake import Accepted, Inbox, InboxLimits
from app.engine.judging import judgement_of
from app.engine.ledger import SharedLedger
from app.engine.local import Invalid, LocalRun, read_gate
from app.engine.local_checks import Output, Progress
from app.engine.offline import GivenReport, OfflineJudge
from app.engine.preview import preview
from app.engine.recompute import Recomputed, recompute
from app.engine.redelivery import NAME as REDELIVERY
from app.engine.redelivery import Looked
from app.engine.roles import Role
from app.engine.sent import Sender, Sent, UploadRefused, Why, is_upload_path
from app.engine.services import Keep, Options, PageLink, Services
from app.engine.uploading import Taken, TakenFile, Uploads, new_token, token_hash
from app.engine.vault import AuditSigner, StoredApp, StoredConnection, Vault
from app.engine.watchdog import drifts

__all__ = [
    "REDELIVERY",
    "Accepted",
    "AuditSigner",
    "Clock",
    "Dispatch",
    "EmbeddedDispatch",
    "Engine",
    "FleetDispatch",
    "GivenReport",
    "Inbox",
    "InboxLimits",
    "Invalid",
    "Keep",
    "LocalRun",
    "Looked",
    "OfflineJudge",
    "Options",
    "Output",
    "PageLink",
    "Progress",
    "Quotas",
    "Recomputed",
    "Role",
    "Sender",
    "Sent",
    "Services",
    "SharedClock",
    "SharedLedger",
    "StoredApp",
    "StoredConnection",
    "SystemClock",
    "Taken",
    "TakenFile",
    "UploadRefused",
    "Uploads",
    "Vault",
    "Verified",
    "Why",
    "borrowed",
    "drifts",
    "is_upload_path",
    "judgement_of",
    "new_token",
    "preview",
    "read_gate",
    "recompute",
    "token_hash",
    "verify",
]
