/// Seals what must not stand readable in a database, and opens it again; each for one purpose.
public struct Vault: Sendable {
    public var seal: @Sendable (String) throws -> String
    public var open: @Sendable (String) throws -> String

    public init(seal: @escaping @Sendable (String) throws -> String, open: @escaping @Sendable (String) throws -> String) {
        self.seal = seal
        self.open = open
    }
}
