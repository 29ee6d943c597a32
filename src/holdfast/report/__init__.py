"""Release tables -> one HTML page that opens offline, the same facts as text, and one customer's page.

- `story.Story`: what there is to say, as plain data
- `page.write_report`: the folder with the page
- `summary.summary`: the command line's text after a run
- `explain.explain`, `explain.explanation`: one customer, as text and as a dict
- `quality.quality_page`: what cleaning found
- `doctor.doctor_page`: one page about an order file
"""
