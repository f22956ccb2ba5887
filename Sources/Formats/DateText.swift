public import Domain

/// Dates as mail and feeds write them.
public enum DateText {
    /// RFC 5322 with its obsolete and wrong forms. Nil when it is no date.
    public static func rfc5322(_ s: String) -> Timestamp? { nil }
    /// ISO 8601, RFC 3339 and W3CDTF; a missing zone is UTC.
    public static func iso8601(_ s: String) -> Timestamp? { nil }
    /// Any form feeds use.
    public static func anyFeedDate(_ s: String) -> Timestamp? { nil }
    /// `Sun, 22 Nov 2026 09:30:00 +0000`
    public static func formatRFC5322(_ t: Timestamp) -> String { "" }
}
