public import Domain

/// What a mailbox says when it is opened (RFC 3501 §6.3.1, RFC 7162).
public struct MailboxStatus: Sendable, Equatable {
    /// UIDs mean nothing any more when this changes.
    public var uidValidity: UInt32
    public var uidNext: UInt32?
    public var exists: Int
    public var highestModSeq: UInt64?
    /// `\*` among them: keywords of our own can be stored.
    public var permanentFlags: [String]

    public init(uidValidity: UInt32, uidNext: UInt32?, exists: Int, highestModSeq: UInt64?, permanentFlags: [String]) {
        self.uidValidity = uidValidity
        self.uidNext = uidNext
        self.exists = exists
        self.highestModSeq = highestModSeq
        self.permanentFlags = permanentFlags
    }
}

/// A mail without its text.
public struct MailSummary: Sendable, Equatable {
    public var uid: UInt32
    public var flags: [String]
    /// When the server got it.
    public var internalDate: Timestamp?
    public var sizeBytes: Int

    public init(uid: UInt32, flags: [String], internalDate: Timestamp?, sizeBytes: Int) {
        self.uid = uid
        self.flags = flags
        self.internalDate = internalDate
        self.sizeBytes = sizeBytes
    }
}

/// A mail as it was sent (RFC 5322).
public struct FetchedMail: Sendable, Equatable {
    public var uid: UInt32
    public var flags: [String]
    public var internalDate: Timestamp?
    /// The conversation as the server counts it (Gmail's X-GM-THRID, decimal); nil elsewhere.
    public var threadID: String?
    public var bytes: [UInt8]

    public init(uid: UInt32, flags: [String], internalDate: Timestamp?, threadID: String? = nil, bytes: [UInt8]) {
        self.uid = uid
        self.flags = flags
        self.internalDate = internalDate
        self.threadID = threadID
        self.bytes = bytes
    }
}
