import Domain
import Formats

/// How a source writes amounts of money. A closed list: whatever is chosen, what comes out is the decimal text of the amount, or a text
/// that is no amount and says so where it is read.
struct ChannelAmounts: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        /// `12.50`, as programs write it. What counts when nothing is said.
        case decimal
        /// Whole smallest units of the currency: `1250` is 12.50 EUR and 1250 JPY.
        case minor
        /// Whole hundredths, whatever the currency: 分.
        case hundredths
        /// As people write it: `€ 1,299.00`.
        case written
    }

    /// Members of an order or a customer that hold amounts.
    static let names: Set<String> = ["total", "refunded", "spent"]

    var kind = Kind.decimal
    /// Of `minor`: digits of currencies that the source counts otherwise than ISO 4217.
    var digits: [String: Int] = [:]
    /// Of `written`: `point` or `comma`; empty to guess.
    var mark: ChannelExpression?

    func text(_ written: String, currency: String?, _ scope: ChannelScope) -> String {
        switch kind {
        case .decimal: return written
        case .hundredths: return Self.shifted(written, digits: 2) ?? "\(written) (not whole hundredths)"
        case .minor:
            guard let currency = currency.flatMap(Currency.init(written:)) else {
                return "\(written) (smallest units of no known currency)"
            }
            let count = digits[currency.rawValue] ?? currency.digits
            return Self.shifted(written, digits: count) ?? "\(written) (not whole smallest units)"
        case .written:
            let mark = mark?.text(scope).flatMap { ExactNumber.Mark(rawValue: Text.trim($0).lowercased()) }
            guard let number = try? ExactNumber.written(written, mark: mark) else { return written }
            let digits = currency.flatMap(Currency.init(written:))?.digits ?? number.scale
            return number.units(digits: digits).map { ExactNumber.text($0, digits: digits) } ?? number.decimal
        }
    }

    private static func shifted(_ text: String, digits: Int) -> String? {
        guard let number = ExactNumber(text), let whole = number.units(digits: 0) else { return nil }
        return ExactNumber.text(whole, digits: digits)
    }
}

extension ChannelItem {
    /// Rows of a table that tell one order each with one of its lines: the first row's order, with everybody's lines.
    static func grouped(_ items: [ChannelItem]) -> [ChannelItem] {
        var order: [String] = []
        var byID: [String: ChannelItem] = [:]
        for item in items {
            guard let known = byID[item.externalID] else {
                order.append(item.externalID)
                byID[item.externalID] = item
                continue
            }
            byID[item.externalID] = known.joined(with: item)
        }
        return order.compactMap { byID[$0] }
    }

    private func joined(with other: ChannelItem) -> ChannelItem {
        guard case .object(var members) = value, case .object(let more) = other.value else { return self }
        for member in more {
            if let index = members.firstIndex(where: { $0.name == member.name }) {
                guard member.name == "items", case .array(let lines) = members[index].value else { continue }
                members[index].value = .array(lines + (member.value.array ?? []))
            } else {
                members.append(member)
            }
        }
        var joined = self
        joined.value = .object(members)
        return joined
    }
}
