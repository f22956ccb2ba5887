public import Domain
public import Formats
public import Rules

/// Which column of a table is what of an order or a customer, and how its values are written. Columns of JSON are paths with points:
/// `customer.email`.
public struct TableMapping: Sendable {
    public typealias Product = ChannelFile.Stream.Product

    public var product: Product
    /// Member → column, in the order of the members.
    public var columns: [(member: String, column: String)] = []
    /// Of JSON: the member that holds the lines of an order; the columns of `items.…` are members of these.
    public var list: String?
    /// Where no column says it.
    public var currency: String?
    public var mark: ExactNumber.Mark?
    public var date: String?
    public var zone = "UTC"

    static let dateForms = [
        "iso", "%Y-%m-%d %H:%M:%S %z", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y",
        "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日", "epoch", "epoch_ms",
    ]
    static let fieldsMax = 100
    private static let amounts: Set<String> = ["total", "refunded", "spent", "items.price"]

    public init(_ product: Product) { self.product = product }

    /// - Parameters:
    ///   - columns: of the table, or of its first records.
    ///   - lists: members of JSON records that hold lists of objects, with the objects' members.
    public mutating func guess(columns names: [String], lists: [(name: String, members: [String])]) {
        let inLines = ["items.sku", "items.name", "items.quantity", "items.price"]
        let known = Set(columns.map(\.member))
        var found = ColumnNames.guess(names, product).filter { !known.contains($0.member) }
        if product == .order, list == nil,
            let lines = lists.first(where: { ["items", "lineitems", "orders", "products", "lines", "商品"].contains(Self.plain($0.name)) })
                ?? lists.first
        {
            list = lines.name
            found.removeAll { inLines.contains($0.member) }
            let inner = ColumnNames.guess(lines.members, .order).filter { inLines.contains($0.member) && !known.contains($0.member) }
            found += inner
            if !inner.contains(where: { $0.member == "items.name" }), !known.contains("items.name"),
                let name = ["name", "title"].first(where: lines.members.contains)
            {
                found.append(("items.name", name))
            }
        }
        let order = ColumnNames.members(product)
        columns = (columns + found).sorted { (order.firstIndex(of: $0.member) ?? 99) < (order.firstIndex(of: $1.member) ?? 99) }
    }

    private static func plain(_ name: String) -> String { name.lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " } }

    /// Finds the one form in which all these times are written.
    public mutating func guessDate(_ records: [JSONValue]) {
        guard date == nil else { return }
        let written = ["occurred_at", "updated_at", "paid_at"].compactMap(column).flatMap { column in
            records.compactMap { Self.text(column, in: $0) }
        }
        guard !written.isEmpty else { return }
        // A few may be wrong; they are set aside. A number fits as seconds and as milliseconds, but only one of them is of our days.
        let days = Timestamp(seconds: 0)..<Timestamp(seconds: 4_102_444_800)
        let fits = Self.dateForms.compactMap { form -> (form: String, count: Int)? in
            guard let format = DateFormat(form), let utc = Zone("UTC") else { return nil }
            return (form, written.count { format.time($0, zone: utc).map(days.contains) ?? false })
        }
        date = fits.first { $0.count * 5 >= written.count * 4 }?.form
    }

    public func column(_ member: String) -> String? { columns.first { $0.member == member }?.column }

    /// What is missing before anything can be read; empty when nothing is.
    public func missing() -> [String] {
        var problems: [String] = []
        func need(_ member: String, _ words: String) {
            if column(member) == nil { problems.append("no column is the \(words): name it under `columns` of a map file as \(member)") }
        }
        switch product {
        case .order:
            need("external_id", "order's number")
            need("total", "amount")
            need("occurred_at", "time of the order")
            if column("currency") == nil, currency == nil { problems.append("no column is the currency: say it with --currency CNY") }
        case .customer:
            if ["external_id", "email", "phone"].allSatisfy({ column($0) == nil }) {
                problems.append(
                    "no column is a customer number, an e-mail address or a phone number: name one under `columns` of a map file")
            }
        case .interaction: break
        }
        if column("occurred_at") != nil, date == nil {
            problems.append("the form of the times cannot be told for sure: say it with --date, such as %d/%m/%Y %H:%M")
        }
        return problems
    }

    // MARK: One record

    /// - Parameter records: the rows of one order, or one record.
    /// - Throws: `RecordError`.
    public func item(_ records: [JSONValue]) throws(RecordError) -> JSONValue {
        guard let first = records.first else { throw RecordError(member: "the record", problem: "is empty") }
        guard case .object = first else { throw RecordError(member: "the record", problem: "is no object") }
        var members: [JSONValue.Member] = []
        let code = column("currency").flatMap { Self.text($0, in: first) } ?? currency
        for (member, column) in columns where !member.hasPrefix("items.") && member != "currency" {
            guard let written = records.lazy.compactMap({ Self.text(column, in: $0) }).first else { continue }
            members.append(.init(member, .string(try value(written, of: member, column, currency: code))))
        }
        if let code { members.append(.init("currency", .string(code))) }
        if product == .customer, !members.contains(where: { $0.name == "external_id" }),
            let id = members.first(where: { $0.name == "email" }) ?? members.first(where: { $0.name == "phone" })
        {
            members.append(.init("external_id", id.value))
        }
        if product == .order { members += try lines(records, currency: code) }
        let used = Set(columns.map(\.column))
        if case .object(let all) = first {
            let rest = all.filter { !used.contains($0.name) && $0.name != list && !$0.value.plain.isEmpty }.prefix(Self.fieldsMax)
            if !rest.isEmpty { members.append(.init("fields", .object(rest.map { .init($0.name, .string($0.value.plain)) }))) }
        }
        return .object(members)
    }

    private func lines(_ records: [JSONValue], currency: String?) throws(RecordError) -> [JSONValue.Member] {
        let columns = columns.filter { $0.member.hasPrefix("items.") }
        guard !columns.isEmpty else { return [] }
        var rows = records
        if let list { rows = records.first.flatMap { Self.value(list, in: $0)?.array } ?? [] }
        var lines: [JSONValue] = []
        for row in rows {
            var line: [JSONValue.Member] = []
            for (member, column) in columns {
                guard let written = Self.text(column, in: row) else { continue }
                line.append(.init(String(member.dropFirst(6)), .string(try value(written, of: member, column, currency: currency))))
            }
            if !line.isEmpty { lines.append(.object(line)) }
        }
        return lines.isEmpty ? [] : [.init("items", .array(lines))]
    }

    private func value(_ written: String, of member: String, _ column: String, currency: String?) throws(RecordError) -> String {
        if Self.amounts.contains(member) {
            let number: ExactNumber
            do { number = try ExactNumber.written(written, mark: mark) } catch { throw RecordError(member: column, problem: "\(error)") }
            let digits = currency.flatMap(Currency.init(written:))?.digits ?? number.scale
            return number.units(digits: digits).map { ExactNumber.text($0, digits: digits) } ?? number.decimal
        }
        guard member.hasSuffix("_at") else { return written }
        guard let format = date.flatMap(DateFormat.init), let zone = Zone(zone), let time = format.time(written, zone: zone) else {
            throw RecordError(member: column, problem: "“\(written.prefix(60))” is no time of the form \(date ?? "iso")")
        }
        return DateFormat.exact(time)
    }

    public static func text(_ column: String, in record: JSONValue) -> String? {
        guard let text = value(column, in: record).map({ Text.trim($0.plain) }), !text.isEmpty else { return nil }
        return text
    }

    private static func value(_ column: String, in record: JSONValue) -> JSONValue? {
        if let own = record[column] { return own }
        guard let point = column.firstIndex(of: ".") else { return nil }
        guard let inner = record[String(column[..<point])] else { return nil }
        return value(String(column[column.index(after: point)...]), in: inner)
    }

    /// What a record holds, with points between the names of members inside members.
    public static func columns(of record: JSONValue, depth: Int = 3) -> [String] {
        guard case .object(let members) = record else { return [] }
        return members.flatMap { member -> [String] in
            switch member.value {
            case .object where depth > 1: return columns(of: member.value, depth: depth - 1).map { "\(member.name).\($0)" }
            case .array: return []
            default: return [member.name]
            }
        }
    }
}

extension TableMapping {
    /// A map file: `columns` (member: column), `items` (the list of lines in JSON), `currency`, `decimal`, `date`, `zone`.
    public init(_ product: Product, yaml: String, file: String) throws(RuleError) {
        self.product = product
        let root = try StrictYAML.read(yaml, file: file)
        let map = try root.mapping(keys: ["columns", "items", "currency", "decimal", "date", "zone"])
        let known = ColumnNames.members(product)
        for entry in try map["columns"]?.namedEntries().entries ?? [] {
            guard known.contains(entry.key) else {
                let nearest = Spelling.nearest(to: entry.key, of: known).map { "did you mean `\($0)`?" } ?? "use \(Spelling.choice(known))"
                throw entry.keyNode.error("`\(entry.key)` is not a part of \(product.words); \(nearest)")
            }
            columns.append((entry.key, try entry.value.string()))
        }
        list = try map["items"]?.string()
        if let node = map["currency"] { try set(currency: try node.string()) { node.error($0) } }
        if let node = map["decimal"] { mark = try node.oneOf(ExactNumber.Mark.self) }
        if let node = map["date"] { try set(date: try node.string()) { node.error($0) } }
        if let node = map["zone"] { try set(zone: try node.string()) { node.error($0) } }
    }

    public mutating func set<Failure: Error>(currency code: String, _ wrong: (String) -> Failure) throws(Failure) {
        guard let known = Currency(written: code) else { throw wrong("`\(code)` is no currency of ISO 4217; write CNY or EUR") }
        currency = known.rawValue
    }

    public mutating func set<Failure: Error>(date form: String, _ wrong: (String) -> Failure) throws(Failure) {
        guard DateFormat(form) != nil else { throw wrong("`\(form)` is no form of a date; write iso, epoch, epoch_ms or %d.%m.%Y %H:%M") }
        date = form
    }

    public mutating func set<Failure: Error>(zone name: String, _ wrong: (String) -> Failure) throws(Failure) {
        guard Zone(name) != nil else { throw wrong("`\(name)` is no time zone; write UTC, +08:00 or Asia/Shanghai") }
        zone = name
    }
}
