"""When a customer may be contacted: caps, quiet hours, consent, suppression. Pure: one function, `due`, and its twin."""

from holdfast.decide.contact.customer import Customer, Unsubscribed
from holdfast.decide.contact.due import Contact, due
from holdfast.decide.contact.look import last_look
from holdfast.decide.contact.many import Due, due_all
from holdfast.decide.contact.people import People
from holdfast.decide.contact.rules import Rules
from holdfast.decide.contact.suppression import Suppression

__all__ = [
    "Contact",
    "Customer",
    "Due",
    "People",
    "Rules",
    "Suppression",
    "Unsubscribed",
    "due",
    "due_all",
    "last_look",
]
