"""Which features are told as reasons, and which way more of them points to a person's mind.

A model may use any column either way; a sentence persuades only if it points where it claims to. So a reason is told by
one of these, and only for a customer whose value lies on the side that the reason is for (`models.reasons`).
"""

from __future__ import annotations

LEAVING, STAYING = +1, -1

LEANS: dict[str, int] = {
    "overdue_own_ratio": LEAVING,
    "days_since_last_order": LEAVING,
    "gap_days_mean": LEAVING,
    "order_day_count": STAYING,
    "order_day_count_90d": STAYING,
    "order_day_count_180d": STAYING,
    "revenue_90d": STAYING,
    "revenue_180d": STAYING,
    "refund_share_180d": LEAVING,
    "basket_value": STAYING,
    "basket_trend": STAYING,
    "item_count_180d": STAYING,
    "item_again_share": STAYING,
    "first_basket_value": STAYING,
    "days_since_last_act": LEAVING,
    "session_count_30d": STAYING,
    "session_count_90d": STAYING,
    "view_count_30d": STAYING,
    "search_count_30d": STAYING,
    "low_rating_share": LEAVING,
    "ticket_count_90d": LEAVING,
    "delivery_failed_count_180d": LEAVING,
    "unsubscribe_count": LEAVING,
    "message_open_share_180d": STAYING,
}
