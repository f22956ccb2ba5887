import Crypto

/// SHA-256 as lower-case hex.
public func sha256(_ bytes: some Sequence<UInt8>) -> String {
    var hash = SHA256()
    // In slices, so that no second copy of a large document is made.
    if bytes.withContiguousStorageIfAvailable({ hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }) == nil {
        hash.update(data: Array(bytes))
    }
    return hex(hash.finalize())
}

/// Lower-case hexadecimal digits, two a byte.
func hex(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
