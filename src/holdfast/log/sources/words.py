"""What columns and events are called in the wild, in several languages: what the guess of an order file knows."""

from __future__ import annotations

#: Words of event columns, lower case, and what they are here.
WORDS: dict[str, str] = {
    "buy": "purchase", "bought": "purchase", "order": "purchase", "sale": "purchase", "sold": "purchase", "paid": "purchase",
    "transaction": "purchase", "completed": "purchase", "complete": "purchase", "pv": "view", "page_view": "view",
    "pageview": "view", "product_view": "view", "view_item": "view", "cart": "cart_add", "add_to_cart": "cart_add",
    "addtocart": "cart_add", "remove_from_cart": "cart_remove", "fav": "wishlist", "favorite": "wishlist",
    "shipped": "purchase", "delivered": "purchase", "processing": "purchase", "fulfilled": "purchase", "closed": "purchase",
    "success": "purchase", "pending": "checkout", "unpaid": "checkout", "failed": "checkout", "declined": "checkout",
    "return": "refund", "returned": "refund", "refunded": "refund", "cancelled": "cancel", "canceled": "cancel",
    "购买": "purchase", "下单": "purchase", "已完成": "purchase", "交易成功": "purchase", "浏览": "view", "点击": "click",
    "已发货": "purchase", "已签收": "purchase", "已付款": "purchase", "待付款": "checkout", "未付款": "checkout",
    "加购": "cart_add", "收藏": "wishlist", "退款": "refund", "退货": "refund", "已取消": "cancel", "取消": "cancel",
    "impression": "exposure", "impressions": "exposure", "shown": "exposure", "product_impression": "exposure",
    "recommended": "exposure", "clicked": "click", "product_click": "click", "select_item": "click",
    "dismissed": "dismiss", "hide": "dismiss", "hidden": "dismiss", "not_interested": "dismiss",
    "not interested": "dismiss", "dislike": "dismiss", "曝光": "exposure", "展示": "exposure", "不感兴趣": "dismiss",
    "不喜欢": "dismiss", "隐藏": "dismiss", "屏蔽": "dismiss",
}  # fmt: skip
#: Canonical column -> names it goes by, surest first. Compared without case, blanks and punctuation.
NAMES: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "customer_id", "customer no", "customer number", "customer code", "cust id", "custid", "client id", "client no",
        "user id", "uid", "member id", "member no", "buyer id", "shopper id", "account id", "account number", "contact id",
        "visitor id", "customer", "client", "user", "member", "buyer", "account", "shopper", "customer email", "buyer email",
        "email address", "email", "e-mail", "customer name", "kundennummer", "kundennr", "kunden-id", "kunde", "id client",
        "numéro client", "cliente", "id cliente", "客户id", "客户编号", "客户号", "顾客id", "用户id", "用户编号", "会员id",
        "会员号", "会员编号", "会员卡号", "买家id", "买家会员名", "买家", "客户", "会员", "用户", "手机号", "mobile", "phone",
    ),
    "occurred_at": (
        "occurred_at", "order date", "order datetime", "order time", "ordered at", "order purchase timestamp",
        "purchase date", "purchased at", "purchase time", "transaction date", "transaction time", "invoice date",
        "sale date", "sales date", "event time", "event date", "timestamp", "datetime", "date time", "created at",
        "created", "creation date", "date", "time", "day", "ts", "paid at", "payment date", "bestelldatum", "rechnungsdatum",
        "datum", "date de commande", "date commande", "fecha", "fecha de pedido", "data", "下单时间", "订单日期", "订单时间",
        "下单日期", "购买时间", "购买日期", "交易时间", "交易日期", "消费时间", "消费日期", "付款时间", "订单付款时间",
        "订单创建时间", "创建时间", "时间", "日期",
    ),
    "order_id": (
        "order_id", "order no", "order number", "order ref", "order reference", "order code", "order key", "order",
        "invoice no", "invoice number", "invoice id", "invoice", "receipt",
        "receipt no", "receipt id", "transaction id", "transaction no", "basket id", "bill no", "bestellnummer",
        "rechnungsnummer", "bestell-nr", "numéro de commande", "commande", "pedido", "id pedido", "订单号", "订单编号",
        "订单id", "交易号", "单号", "小票号",
    ),
    "item_id": (
        "item_id", "product id", "sku", "stock code", "product code", "item code", "item no", "article id", "article",
        "asin", "ean", "upc", "product sku", "item", "product", "product name", "item name", "artikelnummer", "artikelnr",
        "artikel", "référence", "produit", "producto", "codigo", "商品id", "商品编号", "商品编码", "货号", "产品id",
        "宝贝id", "商品名称", "商品", "产品",
    ),
    "title": (
        "title", "product name", "item name", "description", "product title", "product description", "item description",
        "name", "bezeichnung", "artikelname", "商品名称", "商品标题", "宝贝标题", "产品名称",
    ),
    "category": (
        "category", "product category", "item category", "category name", "department", "category id", "kategorie",
        "catégorie", "categoria", "类目", "品类", "商品类目", "类别", "分类", "商品分类",
    ),
    "brand": ("brand", "brand name", "vendor", "manufacturer", "marke", "marque", "marca", "品牌"),
    "quantity": (
        "quantity", "qty", "units", "quantity ordered", "order quantity", "pieces", "count", "number of items", "menge",
        "anzahl", "quantité", "cantidad", "quantidade", "数量", "件数", "购买数量", "商品数量",
    ),
    "unit_price": (
        "unit_price", "price", "item price", "price each", "unit cost", "selling price", "sale price", "einzelpreis",
        "stückpreis", "preis", "prix unitaire", "prix", "precio", "precio unitario", "preço", "单价", "价格", "商品单价",
        "成交价", "售价",
    ),
    "line_total": (
        "line_total", "amount", "total", "total amount", "total price", "order total", "order value", "order amount", "sales",
        "revenue", "spend", "value", "sales amount", "net amount", "gross amount", "subtotal", "payment value", "amount paid",
        "monetary", "gesamtpreis", "gesamt", "betrag", "umsatz", "summe", "montant", "montant total", "importe", "valor",
        "金额", "总价", "总金额", "订单金额", "实付金额", "支付金额", "消费金额", "销售额", "成交金额", "买家实际支付金额",
    ),
    "discount": ("discount", "discount amount", "rabatt", "remise", "descuento", "折扣金额", "优惠金额", "优惠"),
    "currency": ("currency", "currency code", "währung", "devise", "moneda", "币种", "货币"),
    "coupon_code": ("coupon_code", "coupon", "promo code", "discount code", "voucher", "优惠券", "优惠码"),
    "channel": ("channel", "sales channel", "order channel", "source channel", "渠道", "销售渠道"),
    "platform": ("platform", "marketplace", "store", "shop", "店铺", "平台", "门店"),
    "event_type": ("event_type", "event", "event name", "action", "behavior", "behaviour", "behavior type", "activity", "type",
                   "order status", "status", "行为", "行为类型", "事件", "事件类型", "订单状态", "状态"),
    "session_id": ("session_id", "session", "user session", "visit id", "会话id"),
    "email": ("email", "email address", "customer email", "e-mail", "邮箱", "电子邮箱"),
    "phone": ("phone", "phone number", "mobile", "telephone", "手机号", "手机", "电话", "联系电话"),
}  # fmt: skip
