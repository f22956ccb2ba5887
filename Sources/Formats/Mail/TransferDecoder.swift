/// Decodes a transfer encoding (RFC 2045 §6.7, §6.8) in pieces, for parts too large for the memory.
public struct TransferDecoder: Sendable {
    /// Of a line without an end.
    private static let heldBytesMax = 64 << 10

    private var base64 = Base64.Reader()
    private var held: [UInt8] = []

    public init() {}

    /// Padding and anything outside the alphabet is passed over, as real mail needs.
    public mutating func base64(_ bytes: ArraySlice<UInt8>) -> [UInt8] { base64.read(bytes) }

    /// Whole lines are decoded; the rest is held until its end comes.
    public mutating func quotedPrintable(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> [UInt8] {
        held += bytes
        var end = held.count
        if !isLast {
            // What follows the last line end may be cut inside `=C3` or be a soft line break.
            end = (held.lastIndex(of: ASCII.lf) ?? -1) + 1
            if end == 0, held.count > Self.heldBytesMax { end = held.suffix(3).firstIndex(of: 0x3D) ?? held.count }
        }
        defer { held.removeSubrange(..<end) }
        return QuotedPrintable.decode(held[..<end])
    }
}
