import Formats

/// What people call the columns of their tables, in English and Chinese. A line for each member, the surest name first; case, blanks and
/// punctuation do not count.
enum ColumnNames {
    private static let orders = table(
        """
        external_id: order id, order number, order no, order, 订单号, 订单编号, 订单id, 订单 ID, 单号, 交易号, tid, increment id, id, number
        number: order name, receipt, receipt number, 流水号, number
        occurred_at: order date, ordered at, order time, placed at, created at, created, date created, \
        created date, processed at, date, time, \
        下单时间, 下单日期, 订单时间, 订单日期, 订单创建时间, 创建时间, 购买时间, 成交时间, 日期, 时间
        updated_at: updated at, modified at, date modified, last modified, 更新时间, 修改时间
        status: order status, financial status, payment status, status, state, 订单状态, 交易状态, 付款状态, 支付状态, 状态
        currency: currency, currency code, order currency, 币种, 货币
        total: order total, grand total, total price, total amount, amount paid, total, amount, sum, 实付金额, 实付款, 实际支付, 支付金额, 付款金额, \
        订单金额, 订单总额, 应付金额, 总金额, 合计, 总价, 金额
        refunded: refunded amount, amount refunded, total refunded, refund amount, refunded, 退款金额, 已退金额
        paid_at: paid at, date paid, payment date, payment time, 付款时间, 支付时间
        fulfilled_at: fulfilled at, shipped at, date shipped, completed at, date completed, 发货时间, 完成时间
        cancelled_at: cancelled at, canceled at, 取消时间
        refunded_at: refunded at, refund date, 退款时间
        customer.id: customer id, customer number, buyer id, user id, customer.id, 客户编号, 客户id, 会员号, 会员编号, 会员id, 买家id, 买家会员名
        customer.email: customer email, email address, billing email, contact email, customer.email, \
        billing.email, e-mail, email, mail, 邮箱, \
        电子邮箱, 邮箱地址, 电子邮件, 客户邮箱, 买家邮箱
        customer.phone: customer phone, billing phone, phone number, mobile phone, customer.phone, \
        billing.phone, telephone, mobile, phone, \
        手机号, 手机号码, 手机, 联系手机, 联系电话, 电话, 收货人手机, 买家手机
        customer.name: customer name, billing name, full name, buyer name, customer.name, customer, buyer, \
        客户姓名, 客户名称, 客户, 姓名, 买家姓名, \
        收货人姓名, 收货人, 联系人, name
        permalink: permalink, link, order url, url, 链接
        items.sku: lineitem sku, item sku, line item sku, sku, product code, 商家编码, 商品编码, 货号
        items.name: lineitem name, item name, product name, line item name, product title, product, item, \
        article, 商品名称, 商品标题, 商品, 宝贝标题, 产品名称, 产品
        items.quantity: lineitem quantity, item quantity, quantity, qty, pieces, 购买数量, 商品数量, 数量, 件数
        items.price: lineitem price, item price, unit price, price, 商品单价, 单价, 商品价格
        """)

    private static let customers = table(
        """
        external_id: customer id, customer number, user id, 客户编号, 客户id, 会员号, 会员编号, 会员id, 会员卡号, id
        occurred_at: created at, date created, registered at, registration date, customer since, created, 注册时间, 创建时间, 入会时间, 注册日期
        updated_at: updated at, modified at, 更新时间
        email: email address, customer email, e-mail, email, mail, 邮箱, 电子邮箱, 邮箱地址, 电子邮件
        phone: phone number, mobile phone, mobile, telephone, phone, 手机号, 手机号码, 手机, 联系电话, 电话
        name: full name, customer name, display name, name, 客户姓名, 客户名称, 会员姓名, 姓名, 昵称, 名称
        locale: locale, language, lang, 语言
        tags: tags, tag, labels, groups, 标签, 客户标签, 分组
        spent: total spent, spent, amount spent, 累计消费, 消费金额, 累计消费金额
        orders: total orders, orders count, number of orders, orders, 订单数, 购买次数, 消费次数
        accepts_marketing: accepts email marketing, accepts marketing, email marketing consent, newsletter, \
        subscribed, 接收营销, 是否订阅, 订阅
        consent_at: consent at, subscribed at, 订阅时间
        """)

    /// The column of each member, as far as a name tells; each column is one thing only.
    static func guess(_ columns: [String], _ product: ChannelFile.Stream.Product) -> [(member: String, column: String)] {
        let names = product == .order ? orders : customers
        var known: [String: String] = [:]
        for column in columns where known[plain(column)] == nil { known[plain(column)] = column }
        var taken: Set<String> = []
        var found: [String: String] = [:]
        // In the order exports of one shop system the order's number is called “Name”.
        if product == .order, known["lineitemname"] != nil, let name = known["name"] {
            found["external_id"] = name
            taken.insert(name)
        }
        // The surest names of all members first, so that a vague name takes nothing from a sure one.
        for rank in 0..<(names.map(\.words.count).max() ?? 0) {
            for (member, words) in names where found[member] == nil && rank < words.count {
                guard let column = known[words[rank]], taken.insert(column).inserted else { continue }
                found[member] = column
            }
        }
        return names.compactMap { name in found[name.member].map { (name.member, $0) } }
    }

    static func members(_ product: ChannelFile.Stream.Product) -> [String] { (product == .order ? orders : customers).map(\.member) }

    private static func table(_ text: String) -> [(member: String, words: [String])] {
        text.split(separator: "\n").map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (Text.trim(String(parts[0])), parts[1].split(separator: ",").map { plain(String($0)) })
        }
    }

    private static func plain(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic || $0.properties.numericType != nil }))
    }
}
