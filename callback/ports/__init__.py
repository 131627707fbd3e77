"""What the flows need of the world, as protocols: a line, a record, a carrier, a dispatcher, a clock.

Every port has one contract suite in `tests/contract` that runs on the fake and on the real adapter.
"""

from callback.ports.board import Board, NoBoard, Notice, Picture
from callback.ports.carrier import (
    Carrier,
    CarrierBusy,
    CarrierCall,
    CarrierError,
    CarrierStopped,
    LegGone,
    NewCall,
    NoNumbers,
    NotLooked,
    Numbers,
    NumberUndialable,
    OutcomeUnknown,
    Outside,
    StillGoing,
)
from callback.ports.clock import Clock
from callback.ports.dispatch import Dispatch
from callback.ports.house import Backend, Book, Disk, House, Knobs, NoDisk, Once, Urls, Words, pause
from callback.ports.line import (
    AgentView,
    Appointment,
    Lapsed,
    Line,
    LineAge,
    Placed,
    Reservation,
    Stand,
    Standing,
    Waiting,
)
from callback.ports.record.access import ApiToken, SecondStep, Session, User, WelcomeLink
from callback.ports.record.calls import Tried
from callback.ports.record.configuration import PolicyVersion
from callback.ports.record.epochs import Epoch
from callback.ports.record.journal import Dial, Promised, Traffic
from callback.ports.record.learning import LessonMark, StoredLesson
from callback.ports.record.privacy import Resealed
from callback.ports.record.promises import Damaged, Failure, Page
from callback.ports.record.reports import Punctuality, ReportMark, Span
from callback.ports.record.told import Hour, SaidMark
from callback.ports.record.work import Along, Store, Work
from callback.ports.runs import NoRuns, Run, Runs
from callback.ports.waits import SAID_DROPPED, NoSaid, NoWaits, Said, Waits

__all__ = [
    "AgentView",
    "Along",
    "ApiToken",
    "Appointment",
    "Backend",
    "Board",
    "Book",
    "Carrier",
    "CarrierBusy",
    "CarrierCall",
    "CarrierError",
    "CarrierStopped",
    "Clock",
    "Damaged",
    "Dial",
    "Disk",
    "Dispatch",
    "Epoch",
    "Failure",
    "Hour",
    "House",
    "Knobs",
    "Lapsed",
    "LegGone",
    "LessonMark",
    "Line",
    "LineAge",
    "NewCall",
    "NoBoard",
    "NoDisk",
    "NoNumbers",
    "NoRuns",
    "NoSaid",
    "NoWaits",
    "NotLooked",
    "Notice",
    "NumberUndialable",
    "Numbers",
    "Once",
    "OutcomeUnknown",
    "Outside",
    "Page",
    "Picture",
    "Placed",
    "PolicyVersion",
    "Promised",
    "Punctuality",
    "ReportMark",
    "Resealed",
    "Reservation",
    "Run",
    "Runs",
    "SAID_DROPPED",
    "Said",
    "SaidMark",
    "SecondStep",
    "Session",
    "Span",
    "Stand",
    "Standing",
    "StillGoing",
    "Store",
    "StoredLesson",
    "Traffic",
    "Tried",
    "Urls",
    "User",
    "Waiting",
    "Waits",
    "WelcomeLink",
    "Words",
    "Work",
    "pause",
]
