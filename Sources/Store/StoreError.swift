/// What went wrong, where, and what to do about it. Never holds a bound value.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case cannotOpen
        case schemaTooNew
        case closed
        /// A unique, foreign key or check constraint said no.
        case constraint
        /// The disk is full, the file is locked, the server is gone: trying again later may help.
        case unavailable
        /// The database stopped this transaction in favour of another; it is tried again.
        case conflict
        case corrupt
        case statement
        case missing
        case blob
        case notBuilt
    }

    public let kind: Kind
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }

    static let notBuilt = StoreError(.notBuilt, "not built yet")

    /// Whether the same call may succeed later without anybody changing the program.
    public var isTemporary: Bool { kind == .unavailable || kind == .conflict }
}
