"""Release tables -> one HTML folder that opens offline, the same facts as text, and one customer's page.

from holdfast.report.story import Story           what there is to say, as plain data
from holdfast.report.page import write_report     the folder
from holdfast.report.summary import summary       the command line's text
from holdfast.report.explain import explain       one customer
from holdfast.report.doctor import doctor_page    one page about an order file
"""
