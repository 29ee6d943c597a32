"""What the shop heard and said: reviews, ratings, tickets, messages, failed deliveries."""

from __future__ import annotations

from holdfast.features.declare import Since, Total, declare, over_windows

FAMILY = "service"
over_windows(
    "review_count",
    FAMILY,
    "review_count",
    "reviews",
    "{value} reviews {span}",
    "{span}评价{value}次",
    windows=(180, None),
)
over_windows(
    "ticket_count",
    FAMILY,
    "ticket_count",
    "tickets",
    "{value} tickets {span}",
    "{span}工单{value}个",
    windows=(90, None),
)
over_windows(
    "message_count",
    FAMILY,
    "message_count",
    "messages",
    "{value} messages sent {span}",
    "{span}收到消息{value}条",
    windows=(30, 90),
)
over_windows(
    "unsubscribe_count",
    FAMILY,
    "unsubscribe_count",
    "unsubscriptions",
    "unsubscribed {value} times",
    "退订{value}次",
    windows=(None,),
)
over_windows(
    "delivery_failed_count", FAMILY, "delivery_failed_count", "failed deliveries",
    "{value} failed deliveries {span}", "{span}配送失败{value}次", windows=(180,),
)  # fmt: skip
for window in (180, None):
    declare(
        "rating", FAMILY, Total("rating", window) / 1000.0 / Total("rating_count", window), "stars",
        "rates {value} stars", "平均评分{value}星", missing="no rating", window=window,
    )  # fmt: skip
declare(
    "low_rating_share", FAMILY, Total("low_rating_count") / Total("rating_count"), "share",
    "{value} of ratings are two stars or less", "{value}的评分为两星及以下", missing="no rating",
)  # fmt: skip
declare(
    "message_open_share", FAMILY, Total("message_open_count", 180) / Total("message_count", 180), "ratio",
    "{value} opens and clicks a message", "每条消息打开或点击{value}次", missing="no message in the window", window=180,
)  # fmt: skip
declare(
    "days_since_review",
    FAMILY,
    Since("review_count"),
    "days",
    "last review {value} days ago",
    "上次评价在{value}天前",
    missing="no review yet",
)
