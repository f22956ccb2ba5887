/// A person who wrote to us, whatever the channel.
public struct Customer: Sendable, Hashable, Codable {
    public var id: ID<Customer>
    public var name: String
    public var language: String?
    public var createdAt: Timestamp
    public var lastSeenAt: Timestamp
    public var identities: [Identity]
    /// Mood of the last human message, −1…1.
    public var lastMood: Double?

    public init(
        id: ID<Customer>, name: String, language: String? = nil, createdAt: Timestamp, lastSeenAt: Timestamp, identities: [Identity] = [],
        lastMood: Double? = nil
    ) {
        self.id = id
        self.name = name
        self.language = language
        self.createdAt = createdAt
        self.lastSeenAt = lastSeenAt
        self.identities = identities
        self.lastMood = lastMood
    }

    public var email: String? { identities.first { $0.kind == .email }?.value }
}

/// One way to recognise a customer. Unique over all customers by kind and value.
public struct Identity: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        case email, phone, handle
        /// The number a shop knows somebody by.
        case shop
    }
    public var kind: Kind
    /// Normalised: lower-cased address, digits of a phone number, `network/handle`, `account/number`.
    public var value: String
    public init(kind: Kind, value: String) {
        self.kind = kind
        self.value = value
    }
}

/// Someone who answers: an agent of the console.
public struct Agent: Sendable, Hashable, Codable {
    public var id: ID<Agent>
    public var login: String
    public var name: String
    /// `en` or `zh`.
    public var locale: String
    public init(id: ID<Agent>, login: String, name: String, locale: String) {
        self.id = id
        self.login = login
        self.name = name
        self.locale = locale
    }
}
