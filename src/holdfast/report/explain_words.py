"""What customers do, in words; shared by the customer page and the paths of the report."""

from __future__ import annotations

from holdfast.core.text import Text

KINDS = {
    "purchase": Text("order", "下单"),
    "refund": Text("refund", "退款"),
    "cancel": Text("cancellation", "取消"),
    "visit": Text("visit", "访问"),
    "view": Text("viewed", "浏览"),
    "list_view": Text("browsed a list", "浏览列表"),
    "search": Text("searched", "搜索"),
    "cart_add": Text("put into cart", "加入购物车"),
    "cart_remove": Text("took out of cart", "移出购物车"),
    "wishlist": Text("wish list", "收藏"),
    "checkout": Text("checkout", "结算"),
    "coupon": Text("coupon", "优惠券"),
    "review": Text("review", "评价"),
    "message": Text("message sent", "收到消息"),
    "message_open": Text("message opened", "打开消息"),
    "unsubscribe": Text("unsubscribed", "退订"),
    "ticket": Text("support ticket", "客服工单"),
    "delivery": Text("delivery", "送达"),
    "delivery_failed": Text("delivery failed", "配送失败"),
    "share": Text("shared", "分享"),
    "exposure": Text("shown a campaign", "活动曝光"),
    "click": Text("click", "点击"),
    "dismiss": Text("not interested", "不感兴趣"),
}
