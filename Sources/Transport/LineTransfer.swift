internal import CCurl
import Domain

/// What `LineTransfer` needs to know, checked before it reaches the loop.
struct LinePlan: Sendable {
    static let schemes = ["imap", "imaps", "smtp", "smtps", "pop3", "pop3s"]

    let endpoint: LineEndpoint
    let scheme: String
    let host: String
    let port: Int
    /// Without user; with the EHLO name as path where it is SMTP.
    let url: String

    init(_ endpoint: LineEndpoint) throws(TransportError) {
        let address = try WebAddress(endpoint.url, schemes: Self.schemes)
        for text in [endpoint.user, endpoint.password?.reveal(), endpoint.accessToken?.reveal()] {
            if let text, text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
                throw .invalid("user name, password or token for \(address.host) holds a line break or control character; check its file.")
            }
        }
        if let helo = endpoint.helo, !helo.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }) || helo.isEmpty {
            throw .invalid("\(helo) is not a host name; write one such as desk.example.com.")
        }
        self.endpoint = endpoint
        scheme = address.scheme
        host = address.host
        port = address.port
        let path = scheme.hasPrefix("smtp") ? endpoint.helo ?? "" : ""
        url = "\(scheme)://\(host):\(port)/\(path)"
    }
}

/// A logged-in connection, as far as it has to leave the loop's thread.
struct LineOpened: Sendable {
    let id: Int
    /// What the server said until then: greeting, capabilities, the login's answer. At most `LineTransfer.loginBytesMax` of it.
    let login: [UInt8]
    let isEncrypted: Bool
}

/// A mail dialogue: libcurl connects, encrypts and logs in, then we send and receive over its connection.
final class LineTransfer: LoopCore.Transfer {
    static let loginBytesMax = 16 << 10
    /// How long a peer may leave our bytes unread.
    static let sendTimeout: Int64 = 120_000

    private let plan: LinePlan
    private let startedAt = LoopCore.now()
    private var opened: CheckedContinuation<LineOpened, any Error>?
    private var login: [UInt8] = []
    private var isOpen = false
    private var descriptor: Int32 = CURL_SOCKET_BAD
    /// What came before anybody received.
    private var early: [UInt8] = []

    private var reader: (id: Int, continuation: CheckedContinuation<[UInt8], any Error>, deadline: Int64, timeout: Duration)?
    private var writer: (id: Int, continuation: CheckedContinuation<Void, any Error>, bytes: [UInt8], sent: Int, deadline: Int64)?
    /// The earliest entry of ours in the loop's timers.
    private var scheduledAt = Int64.max
    /// libcurl reads it for as long as the handle lives.
    private var known: UnsafeMutablePointer<curl_slist>?

    deinit { curl_slist_free_all(known) }

    init(id: Int, plan: LinePlan, opened: CheckedContinuation<LineOpened, any Error>) throws {
        self.plan = plan
        try super.init(id: id)
        try configure()
        // Last, so that whoever sees `init` throw still owns the continuation.
        self.opened = opened
    }

    private func configure() throws {
        let endpoint = plan.endpoint
        try easy.set(CURLOPT_URL, plan.url)
        try easy.set(CURLOPT_PROTOCOLS_STR, LinePlan.schemes.joined(separator: ","))
        easy.set(CURLOPT_CONNECT_ONLY, 1)
        switch endpoint.encryption ?? (endpoint.tls.allowPlain ? .none : .verified) {
        case .none: easy.set(CURLOPT_USE_SSL, Int(CURLUSESSL_NONE.rawValue))
        case .verified: easy.set(CURLOPT_USE_SSL, Int(CURLUSESSL_ALL.rawValue))
        case .whenOffered:
            easy.set(CURLOPT_USE_SSL, Int(CURLUSESSL_TRY.rawValue))
            easy.set(CURLOPT_SSL_VERIFYPEER, 0)
            easy.set(CURLOPT_SSL_VERIFYHOST, 0)
        }
        if !endpoint.addresses.isEmpty {
            // The plus lets the entry grow old, as answers of a name server do.
            let places = endpoint.addresses.map { $0.isIPv6 ? "[\($0)]" : "\($0)" }.joined(separator: ",")
            known = curl_slist_append(nil, "+\(plan.host):\(plan.port):\(places)")
            ccurl_set_list(easy.raw, CURLOPT_RESOLVE, known)
        }
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds: endpoint.connectTimeout)
        try easy.trust(endpoint.tls)
        if let user = endpoint.user {
            try easy.set(CURLOPT_USERNAME, user)
            if let token = endpoint.accessToken {
                try easy.set(CURLOPT_XOAUTH2_BEARER, token.reveal())
            } else {
                try easy.set(CURLOPT_PASSWORD, endpoint.password?.reveal() ?? "")
            }
        }
        ccurl_set_pointer(easy.raw, CURLOPT_HEADERDATA, Unmanaged.passUnretained(self).toOpaque())
        ccurl_set_write(easy.raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, line in
            guard let bytes, let line else { return 0 }
            let transfer = Unmanaged<LineTransfer>.fromOpaque(line).takeUnretainedValue()
            return transfer.heard(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        }
    }

    /// False when this is the wrong kind of server; libcurl would wait for a better greeting until the time is over.
    private func heard(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let isGreeting = login.isEmpty && !isOpen
        if !isOpen, login.count + bytes.count <= Self.loginBytesMax { login.append(contentsOf: bytes) }
        guard isGreeting else { return true }
        return switch plan.scheme.first {
        case "i": bytes.starts(with: "* ".utf8)
        case "s": bytes.first.map { (0x32...0x35).contains($0) } ?? false
        default: bytes.starts(with: "+OK".utf8) || bytes.starts(with: "-ERR".utf8)
        }
    }

    override func finished(_ code: CURLcode, in core: LoopCore) {
        guard let opened, code == CURLE_OK else {
            core.remove(id)?.fail(LineFailure(plan: plan, login: login, startedAt: startedAt).error(code, easy))
            return
        }
        descriptor = easy.socket
        isOpen = true
        self.opened = nil
        // libcurl ties the connection to our handle with the first call only. Until then it may close it as one that nobody uses: after
        // 118 s, or as soon as bytes lie on it.
        early = take(into: core.scratch).bytes
        opened.resume(returning: LineOpened(id: id, login: login, isEncrypted: easy.isEncrypted))
        login = []
    }

    override func leaving(_ core: LoopCore) {
        guard isOpen else { return }
        core.watch(descriptor, for: id, reading: false, writing: false)
        // libcurl would say LOGOUT or QUIT and wait for the answer on our thread; with the socket shut it gives up at once.
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    override func fail(_ error: any Error) {
        opened?.resume(throwing: error)
        opened = nil
        reader?.continuation.resume(throwing: error)
        reader = nil
        writer?.continuation.resume(throwing: error)
        writer = nil
    }

    // MARK: Receiving

    func receive(_ request: Int, _ timeout: Duration, _ continuation: CheckedContinuation<[UInt8], any Error>, in core: LoopCore) {
        guard reader == nil else {
            return continuation.resume(throwing: TransportError.invalid("two tasks receive from one connection at the same time."))
        }
        reader = (request, continuation, LoopCore.now() + max(0, timeout.milliseconds), timeout)
        read(in: core)
        watch(in: core)
    }

    private func read(in core: LoopCore) {
        guard let reader else { return }
        let (bytes, code) = take(into: core.scratch)
        let found = early.isEmpty ? bytes : early + bytes
        guard !found.isEmpty || code != CURLE_AGAIN else { return }
        early = []
        self.reader = nil
        if found.isEmpty && code != CURLE_OK {
            reader.continuation.resume(throwing: lost(code))
        } else {
            reader.continuation.resume(returning: found)
        }
    }

    /// Everything there is, as far as it fits: TLS may hold bytes that no event tells of. OK without bytes means closed by the peer.
    private func take(into buffer: UnsafeMutableRawBufferPointer) -> (bytes: [UInt8], code: CURLcode) {
        var filled = 0
        var code = CURLE_OK
        while filled < buffer.count {
            var got = 0
            code = curl_easy_recv(easy.raw, buffer.baseAddress?.advanced(by: filled), buffer.count - filled, &got)
            guard code == CURLE_OK, got > 0 else { break }
            filled += got
        }
        return ([UInt8](buffer[..<filled]), code)
    }

    // MARK: Sending

    func send(_ request: Int, _ bytes: [UInt8], _ continuation: CheckedContinuation<Void, any Error>, in core: LoopCore) {
        guard writer == nil else {
            return continuation.resume(throwing: TransportError.invalid("two tasks send over one connection at the same time."))
        }
        writer = (request, continuation, bytes, 0, LoopCore.now() + Self.sendTimeout)
        write()
        watch(in: core)
    }

    private func write() {
        guard let writer else { return }
        var sent = writer.sent
        var code = CURLE_OK
        while sent < writer.bytes.count {
            var count = 0
            code = writer.bytes.withUnsafeBytes { curl_easy_send(easy.raw, $0.baseAddress?.advanced(by: sent), $0.count - sent, &count) }
            guard code == CURLE_OK else { break }
            sent += count
        }
        if sent == writer.bytes.count {
            self.writer = nil
            writer.continuation.resume()
        } else if code != CURLE_AGAIN {
            self.writer = nil
            writer.continuation.resume(throwing: lost(code))
        } else if sent > writer.sent {
            self.writer?.sent = sent
            self.writer?.deadline = LoopCore.now() + Self.sendTimeout
        }
    }

    // MARK: Waiting

    override func ready(in core: LoopCore) {
        write()
        read(in: core)
        watch(in: core)
    }

    private func watch(in core: LoopCore) {
        core.watch(descriptor, for: id, reading: reader != nil, writing: writer != nil)
        let deadline = min(reader?.deadline ?? .max, writer?.deadline ?? .max)
        guard deadline < scheduledAt else { return }
        scheduledAt = deadline
        core.schedule(id, at: deadline)
    }

    override func expired(in core: LoopCore) {
        scheduledAt = .max
        let now = LoopCore.now()
        if let reader, reader.deadline <= now {
            self.reader = nil
            reader.continuation.resume(throwing: TransportError.timedOut(host: plan.host, doing: "an answer of", after: reader.timeout))
        }
        if let writer, writer.deadline <= now {
            self.writer = nil
            let after = Duration.milliseconds(Self.sendTimeout)
            writer.continuation.resume(throwing: TransportError.timedOut(host: plan.host, doing: "sending to", after: after))
        }
        watch(in: core)
    }

    /// The waiting task was cancelled; the connection stays as it is.
    func cancelWait(_ request: Int, in core: LoopCore) {
        if let reader, reader.id == request {
            self.reader = nil
            reader.continuation.resume(throwing: CancellationError())
        }
        if let writer, writer.id == request {
            self.writer = nil
            writer.continuation.resume(throwing: CancellationError())
        }
        watch(in: core)
    }

    private func lost(_ code: CURLcode) -> TransportError {
        .connectionLost(host: plan.host, reason: String(cString: curl_easy_strerror(code)).lowercasedFirst)
    }
}
