internal import CCurl
import Domain
import Glibc

extension TransferLoop {
    /// Sends a request and follows its redirects: at most `redirectsMax`, to http and https only, never from https to http with
    /// credentials, never from a public address into a private network. To another origin go only headers that cannot hold a secret.
    ///
    /// - Throws: `TransportError`, `CancellationError`.
    public func http(_ request: HTTPRequest) async throws -> HTTPResponse {
        var plan = try HTTPPlan(request)
        if plan.address.scheme == "file" { return try await LocalFile.read(plan.address, request) }
        let deadline = ContinuousClock.now + request.totalTimeout
        var movedTo: String?
        var isMovedInside = false
        var isPermanent = true
        while true {
            plan.timeLeft = ContinuousClock.now.duration(to: deadline)
            let now = plan
            let answer: HTTPAnswer = try await perform { core, id, continuation in
                try core.add(try HTTPTransfer(id: id, plan: now, continuation: continuation))
            }
            guard let target = answer.redirect, request.redirectsMax > 0 else {
                var response = answer.response
                response.movedTo = movedTo
                response.isMovedInside = isMovedInside
                return response
            }
            try plan.follow(target, status: answer.response.status, from: answer)
            isPermanent = isPermanent && [301, 308].contains(answer.response.status)
            if isPermanent { (movedTo, isMovedInside) = (plan.address.url, !plan.refusesPrivate) }
        }
    }
}

/// One response, and what following it needs.
struct HTTPAnswer: Sendable {
    var response: HTTPResponse
    /// Absolute; nil when this is no redirect.
    var redirect: String?
    /// The address it came from is not one of a private network.
    var cameFromPublic: Bool
}

/// One exchange on the loop; redirects are not followed in here.
final class HTTPTransfer: LoopCore.Transfer {
    private static let headerBytesMax = 256 << 10

    private let plan: HTTPPlan
    private var continuation: CheckedContinuation<HTTPAnswer, any Error>?
    private var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    private var body: [UInt8] = []
    private var refusal: TransportError?
    private var list: UnsafeMutablePointer<curl_slist>?

    init(id: Int, plan: HTTPPlan, continuation: CheckedContinuation<HTTPAnswer, any Error>) throws {
        self.plan = plan
        try super.init(id: id)
        try configure()
        self.continuation = continuation
    }

    deinit { curl_slist_free_all(list) }

    private func configure() throws {
        let request = plan.request
        try easy.set(CURLOPT_URL, plan.address.url)
        try easy.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try easy.set(CURLOPT_ACCEPT_ENCODING, "")
        try easy.set(CURLOPT_USERAGENT, "Hongyan")
        try easy.trust(request.tls)
        if let proxy = request.proxy { try easy.set(CURLOPT_PROXY, proxy) }
        if let user = plan.user {
            try easy.set(CURLOPT_USERNAME, user)
            try easy.set(CURLOPT_PASSWORD, plan.password ?? "")
        }
        if request.isOnce { easy.set(CURLOPT_FRESH_CONNECT, 1) }
        easy.set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds: request.connectTimeout)
        easy.set(CURLOPT_TIMEOUT_MS, milliseconds: plan.timeLeft)
        easy.set(CURLOPT_LOW_SPEED_LIMIT, 1)
        easy.set(CURLOPT_LOW_SPEED_TIME, Int(max(1, request.stallTimeout.components.seconds)))
        ccurl_set_off(easy.raw, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(request.sizeBytesMax))
        try configureMethod()
        for (name, value) in plan.headers { append(value.isEmpty ? "\(name);" : "\(name): \(value)") }
        append("Expect:")
        ccurl_set_list(easy.raw, CURLOPT_HTTPHEADER, list)
        configureCallbacks()
    }

    private func configureMethod() throws {
        if plan.method == "HEAD" {
            easy.set(CURLOPT_NOBODY, 1)
        } else if let body = plan.body {
            ccurl_set_off(easy.raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            let code = body.withUnsafeBytes {
                ccurl_set_pointer(
                    easy.raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress ?? UnsafeRawPointer(easy.raw)))
            }
            guard code == CURLE_OK else { throw TransportError.invalid("the body of \(body.count) bytes does not fit into memory.") }
            if !plan.headers.contains(where: { $0.0.lowercased() == "content-type" }) { append("Content-Type:") }
            try easy.set(CURLOPT_CUSTOMREQUEST, plan.method)
        } else if plan.method != "GET" {
            try easy.set(CURLOPT_CUSTOMREQUEST, plan.method)
        }
    }

    private func append(_ line: String) { list = curl_slist_append(list, line) }

    private func configureCallbacks() {
        let me = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy.raw, CURLOPT_WRITEDATA, me)
        ccurl_set_write(easy.raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, me in
            guard let bytes, let me else { return 0 }
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(me).takeUnretainedValue()
            return transfer.took(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        }
        ccurl_set_pointer(easy.raw, CURLOPT_HEADERDATA, me)
        ccurl_set_write(easy.raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, me in
            guard let bytes, let me else { return 0 }
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(me).takeUnretainedValue()
            return transfer.heard(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
        }
        // With a proxy of its own the request goes to the proxy, which resolves names by itself.
        guard plan.refusesPrivate, plan.request.proxy == nil else { return }
        // An open connection was checked by the rules of the request that opened it.
        easy.set(CURLOPT_FRESH_CONNECT, 1)
        ccurl_set_pointer(easy.raw, CURLOPT_OPENSOCKETDATA, me)
        ccurl_set_open_socket(easy.raw) { me, _, address in
            guard let me, let address else { return CURL_SOCKET_BAD }
            let transfer = Unmanaged<HTTPTransfer>.fromOpaque(me).takeUnretainedValue()
            if let socketAddress = ccurl_address(address), isPrivate(socketAddress) {
                transfer.refusal = .privateAddress(host: transfer.plan.address.host)
                return CURL_SOCKET_BAD
            }
            return socket(address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.protocol)
        }
    }

    private func took(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard body.count + bytes.count <= plan.request.sizeBytesMax else {
            refusal = .tooLarge(url: plan.address.redacted, limitBytes: plan.request.sizeBytesMax)
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    private func heard(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if bytes.starts(with: "HTTP/".utf8) {
            headers = []
            headerBytes = 0
        }
        headerBytes += bytes.count
        guard headerBytes <= Self.headerBytesMax else {
            refusal = .unexpectedAnswer(host: plan.address.host, reason: "its headers are larger than \(Self.headerBytesMax) bytes")
            return false
        }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else { return true }
        let name = String(decoding: bytes[..<colon], as: UTF8.self)
        let value = String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        headers.append((name.trimmed, value.trimmed))
        return true
    }

    override func finished(_ code: CURLcode, in core: LoopCore) {
        guard code == CURLE_OK, refusal == nil else {
            let error = refusal ?? failure(code)
            core.remove(id)?.fail(error)
            return
        }
        let url = easy.string(CURLINFO_EFFECTIVE_URL) ?? plan.address.url
        let response = HTTPResponse(status: easy.long(CURLINFO_RESPONSE_CODE), headers: headers, body: body, url: url)
        let redirect = [301, 302, 303, 307, 308].contains(response.status) ? easy.string(CURLINFO_REDIRECT_URL) : nil
        let cameFromPublic = !(easy.string(CURLINFO_PRIMARY_IP).map { isPrivate($0) } ?? true)
        core.remove(id)
        continuation?.resume(returning: HTTPAnswer(response: response, redirect: redirect, cameFromPublic: cameFromPublic))
        continuation = nil
    }

    override func fail(_ error: any Error) {
        continuation?.resume(throwing: error)
        continuation = nil
    }

    private func failure(_ code: CURLcode) -> TransportError {
        let (request, address) = (plan.request, plan.address)
        if let error = connectionError(code, easy, host: address.host, port: address.port, tls: request.tls) { return error }
        switch code {
        case CURLE_FILESIZE_EXCEEDED: return .tooLarge(url: address.redacted, limitBytes: request.sizeBytesMax)
        case CURLE_OPERATION_TIMEDOUT:
            if easy.lastMessage.hasPrefix("Operation too slow") {
                return .timedOut(host: address.host, doing: "waiting for a byte of", after: request.stallTimeout)
            }
            if easy.offset(CURLINFO_PRETRANSFER_TIME_T) == 0, request.connectTimeout < plan.timeLeft {
                return .timedOut(host: address.host, doing: "connecting to", after: request.connectTimeout)
            }
            return .timedOut(host: address.host, doing: "the whole transfer with", after: request.totalTimeout)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING:
            return .unexpectedAnswer(host: address.host, reason: easy.lastMessage.bare.lowercasedFirst)
        default:
            let message = easy.lastMessage.bare
            return .notReachable(
                host: address.host, reason: (message.isEmpty ? String(cString: curl_easy_strerror(code)) : message).lowercasedFirst)
        }
    }
}
