import Domain

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A value that goes into or comes out of a statement.
enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])
}

/// What may stand for `$1`, `$2`, … in a statement.
protocol SQLParameter {
    var sqlValue: SQLValue { get }
}

extension String: SQLParameter {
    /// PostgreSQL refuses U+0000 in text and SQLite cuts there; both get U+FFFD, so that both say the same.
    var sqlValue: SQLValue { .text(hasNull ? replacingNulls : self) }
    private var hasNull: Bool {
        var text = self
        return text.withUTF8 {
            $0.withMemoryRebound(to: UInt8.self) { bytes in bytes.count > 0 && memchr(bytes.baseAddress!, 0, bytes.count) != nil }
        }
    }
    private var replacingNulls: String { String(String.UnicodeScalarView(unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : $0 })) }
}

extension Int64: SQLParameter { var sqlValue: SQLValue { .integer(self) } }
extension Int: SQLParameter { var sqlValue: SQLValue { .integer(Int64(self)) } }
extension Double: SQLParameter { var sqlValue: SQLValue { .real(self) } }
extension Bool: SQLParameter { var sqlValue: SQLValue { .integer(self ? 1 : 0) } }
extension [UInt8]: SQLParameter { var sqlValue: SQLValue { .blob(self) } }
extension Timestamp: SQLParameter { var sqlValue: SQLValue { .integer(rawValue) } }
extension ID: SQLParameter { var sqlValue: SQLValue { .integer(rawValue) } }
extension Optional: SQLParameter where Wrapped: SQLParameter { var sqlValue: SQLValue { self?.sqlValue ?? .null } }

extension SQLParameter where Self: RawRepresentable, RawValue == String { var sqlValue: SQLValue { rawValue.sqlValue } }
extension AccountHealth.State: SQLParameter {}
extension AddressState.Condition: SQLParameter {}
extension BounceReason: SQLParameter {}
extension Enrolment.State: SQLParameter {}
extension Event.Kind: SQLParameter {}
extension Identity.Kind: SQLParameter {}
extension Interaction.Kind: SQLParameter {}
extension Interaction.Direction: SQLParameter {}
extension Interaction.Nature: SQLParameter {}
extension Mood.Label: SQLParameter {}
extension Order.Status: SQLParameter {}
extension Currency: SQLParameter {}
extension Reason.About: SQLParameter {}
extension Send.Kind: SQLParameter {}
extension Send.Purpose: SQLParameter {}
extension Send.State: SQLParameter {}
extension SendReturn.Kind: SQLParameter {}
extension Ticket.Priority: SQLParameter {}
extension Ticket.Status: SQLParameter {}
extension TicketMove.Kind: SQLParameter {}

/// One row of a result. Values are taken from left to right, in the order in which the statement names its columns.
struct Row {
    private let values: [SQLValue]
    private var next = 0

    init(_ values: [SQLValue]) { self.values = values }

    mutating func optionalInteger() throws -> Int64? {
        switch try take() {
        case .null: nil
        case .integer(let value): value
        default: throw mismatch("an integer")
        }
    }

    mutating func optionalReal() throws -> Double? {
        switch try take() {
        case .null: nil
        case .real(let value): value
        case .integer(let value): Double(value)
        default: throw mismatch("a number")
        }
    }

    mutating func optionalText() throws -> String? {
        switch try take() {
        case .null: nil
        case .text(let value): value
        default: throw mismatch("text")
        }
    }

    mutating func optionalBlob() throws -> [UInt8]? {
        switch try take() {
        case .null: nil
        case .blob(let value): value
        default: throw mismatch("bytes")
        }
    }

    mutating func integer() throws -> Int64 { try present(optionalInteger(), "an integer") }
    mutating func text() throws -> String { try present(optionalText(), "text") }
    mutating func bool() throws -> Bool { try integer() != 0 }
    mutating func time() throws -> Timestamp { Timestamp(rawValue: try integer()) }
    mutating func optionalTime() throws -> Timestamp? { try optionalInteger().map { Timestamp(rawValue: $0) } }
    mutating func id<Of>() throws -> ID<Of> { ID(try integer()) }
    mutating func optionalID<Of>() throws -> ID<Of>? { try optionalInteger().map { ID($0) } }

    /// One of a closed set of names.
    mutating func name<Name: RawRepresentable>() throws -> Name where Name.RawValue == String {
        let text = try text()
        guard let name = Name(rawValue: text) else {
            throw StoreError(
                .corrupt, "column \(next) holds \"\(text)\", which is no \(Name.self). A newer version of hongyan may have written it.")
        }
        return name
    }

    private mutating func take() throws -> SQLValue {
        guard next < values.count else { throw StoreError(.statement, "the statement gives \(values.count) columns, more were asked for") }
        next += 1
        return values[next - 1]
    }

    private func present<Value>(_ value: Value?, _ what: String) throws -> Value {
        guard let value else { throw mismatch(what) }
        return value
    }

    private func mismatch(_ what: String) -> StoreError { StoreError(.corrupt, "column \(next) does not hold \(what)") }
}
