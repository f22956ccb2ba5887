import CGMime
import Synchronization

/// Open conversions to UTF-8, to be used again: opening one takes a lock of the whole C library and may read a file.
enum Converters {
    /// Charsets kept open, and how often each.
    static let namesMax = 32
    static let eachMax = 4

    private struct Handle: @unchecked Sendable {  // used by whoever took it out of the pool
        let iconv: iconv_t
    }

    private static let pool = Mutex<[String: [Handle]]>([:])

    /// - Parameter body: gets a conversion in its initial state.
    /// - Returns: nil when the C library does not know the charset.
    static func with<Value>(_ name: String, _ body: (iconv_t) -> Value) -> Value? {
        let kept = pool.withLock { $0[name]?.popLast() }
        guard let handle = kept ?? open(name) else { return nil }
        let value = body(handle.iconv)
        cgmime_iconv(handle.iconv, nil, nil, nil, nil)
        let isKept =
            !remembersOrder(name)
            && pool.withLock { pool in
                guard pool[name] != nil || pool.count < namesMax, pool[name, default: []].count < eachMax else { return false }
                pool[name, default: []].append(handle)
                return true
            }
        if !isKept { iconv_close(handle.iconv) }
        return value
    }

    /// glibc's own decoders with a byte order mark go on with the last text's order, also when they are told to begin anew.
    private static func remembersOrder(_ name: String) -> Bool {
        let name = ASCII.lowercased(name)
        return ["utf-16", "utf16", "utf-32", "utf32", "unicode", "csunicode", "ucs-", "ucs2", "ucs4", "iso-10646"].contains {
            name.hasPrefix($0)
        }
    }

    private static func open(_ name: String) -> Handle? {
        guard let handle = iconv_open(Charset.utf8, name), handle != iconv_t(bitPattern: -1) else { return nil }
        return Handle(iconv: handle)
    }
}
