internal import CCurl
import Domain

/// One libcurl easy handle with the settings every transfer of ours has. Not copyable, so it is cleaned up exactly once.
struct EasyHandle: ~Copyable {
    /// A call into libcurl that lasts longer than this waits for a peer (a LOGOUT nobody answers) and is broken off.
    static let callMillisecondsMax: Int64 = 2000

    let raw: UnsafeMutableRawPointer
    /// libcurl writes its last error in words here.
    private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    init() throws {
        guard let raw = curl_easy_init() else { throw TransportError.invalid("libcurl could not allocate a handle; memory is short.") }
        self.raw = raw
        message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        ccurl_set_pointer(raw, CURLOPT_ERRORBUFFER, message)
        set(CURLOPT_NOSIGNAL, 1)
        // Without it, removing a handle waits for a name server that does not answer.
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        set(CURLOPT_TCP_KEEPALIVE, 1)
    }

    deinit {
        curl_easy_cleanup(raw)
        message.deallocate()
    }

    var lastMessage: String { String(cString: message) }

    func set(_ option: CURLoption, _ value: Int) { ccurl_set_long(raw, option, value) }

    func set(_ option: CURLoption, _ value: String?) throws {
        let code = value.map { $0.withCString { ccurl_set_string(raw, option, $0) } } ?? ccurl_set_string(raw, option, nil)
        guard code == CURLE_OK else {
            throw TransportError.invalid("libcurl refused a setting: \(String(cString: curl_easy_strerror(code))).")
        }
    }

    func set(_ option: CURLoption, milliseconds: Duration) { set(option, Int(max(1, min(milliseconds.milliseconds, 1 << 31)))) }

    /// The operator's authority instead of the system's, which libcurl would otherwise still look up in its folder.
    func trust(_ tls: TLS) throws {
        guard let file = tls.caFile else { return }
        try set(CURLOPT_CAINFO, file)
        try set(CURLOPT_CAPATH, nil)
    }

    /// libcurl ends failed mail logins with a LOGOUT or QUIT and waits for its answer in a loop of its own; that wait asks us for progress.
    func watchdog(_ core: LoopCore) {
        set(CURLOPT_NOPROGRESS, 0)
        ccurl_set_pointer(raw, CURLOPT_XFERINFODATA, Unmanaged.passUnretained(core).toOpaque())
        ccurl_set_progress(raw) { core, _, _, _, _ in
            guard let core else { return 0 }
            let entered = Unmanaged<LoopCore>.fromOpaque(core).takeUnretainedValue().enteredAt
            return entered != 0 && LoopCore.now() - entered > EasyHandle.callMillisecondsMax ? 1 : 0
        }
    }

    func long(_ info: CURLINFO) -> Int {
        var value = 0
        ccurl_get_long(raw, info, &value)
        return value
    }

    func offset(_ info: CURLINFO) -> Int64 {
        var value: curl_off_t = 0
        ccurl_get_off(raw, info, &value)
        return Int64(value)
    }

    func string(_ info: CURLINFO) -> String? {
        var value: UnsafeMutablePointer<CChar>?
        ccurl_get_string(raw, info, &value)
        return value.map { String(cString: $0) }
    }

    /// Of a connection that libcurl has handed over by a first send or receive.
    var isEncrypted: Bool {
        var info: UnsafeMutableRawPointer?
        guard ccurl_get_pointer(raw, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK, let info else { return false }
        return info.assumingMemoryBound(to: curl_tlssessioninfo.self).pointee.internals != nil
    }

    var socket: Int32 {
        var value: curl_socket_t = CURL_SOCKET_BAD
        ccurl_get_socket(raw, CURLINFO_ACTIVESOCKET, &value)
        return value
    }
}
