public import Domain
public import Transport

/// How a channel's requests leave this machine: one account's connection to its source, with the rules that hold for every request.
public struct ChannelWire: Sendable {
    static let timeout = Duration.seconds(60)
    static let bytesMax = 20 << 20
    static let redirectsMax = 3

    let loop: TransferLoop
    let tls: TLS
    let sizeBytesMax: Int
    /// Hosts with their ports that the account itself names: these may be inside a private network.
    let named: Set<String>
    let bucket: RateBucket?
    let cost: Int

    public init(_ file: ChannelFile?, account: Account, loop: TransferLoop, room: ChannelRoom = ChannelRoom()) {
        let addresses = file.map { file in file.inputs.filter { $0.kind == .url }.compactMap { account.channel?.inputs[$0.name] } } ?? []
        self.init(file, addresses: addresses.flatMap { $0.map { $0.reveal() } }, account: account, loop: loop, room: room)
    }

    /// - Parameter addresses: what the account gives for inputs of the kind url.
    public init(
        _ file: ChannelFile?, addresses: [String], account: Account, loop: TransferLoop, room: ChannelRoom = ChannelRoom()
    ) {
        self.loop = loop
        tls = account.tls
        sizeBytesMax = min(account.sizeBytesMax, Self.bytesMax)
        var addresses = addresses
        // A file that is written for one machine names its number.
        if let base = file?.base, base.isConstant, let host = ChannelRun.host(base.text), host == "localhost" || IPAddress(host) != nil {
            addresses.append(base.text)
        }
        named = Set(addresses.compactMap(ChannelRun.origin))
        bucket = room.bucket(file?.rate)
        cost = file?.rate?.cost ?? 1
    }

    /// Waits for the account's rate.
    /// - Parameter most: who cannot wait for longer is told so at once.
    /// - Throws: `ChannelTrouble` with the wait, `CancellationError`.
    public func admit(atMost most: Duration? = nil) async throws {
        guard let wait = bucket?.take(cost, atMost: most), wait > .zero else { return }
        if let most, wait > most {
            throw ChannelTrouble(remedy: .backoff, wait: wait, say: "as much was asked of the source as it allows", fate: .notSent)
        }
        try await Task.sleep(for: wait)
    }

    /// As soon as the account's rate allows it.
    public func sendInTurn(_ call: ChannelCall) async throws -> ChannelAnswer {
        try await admit()
        return try await send(call)
    }

    /// - Parameter isOnce: what changes something at the source is not sent again behind our back.
    /// - Throws: `TransportError`, `CancellationError`.
    public func send(_ call: ChannelCall, isOnce: Bool = false) async throws -> ChannelAnswer {
        var request = HTTPRequest(call.method, call.url)
        request.headers = call.headers.map { ($0.name, $0.value) }
        request.body = call.body
        request.isOnce = isOnce
        request.totalTimeout = call.timeout ?? Self.timeout
        request.stallTimeout = call.timeout ?? request.stallTimeout
        request.sizeBytesMax = sizeBytesMax
        // To another host nothing of ours goes along, and never to another place inside a private network.
        request.redirectsMax = call.method == "GET" && call.body == nil ? Self.redirectsMax : 0
        request.tls = tls
        request.allowPrivate = tls.allowPlain || ChannelRun.origin(call.url).map(named.contains) ?? false
        request.allowPrivateRedirects = false
        let response = try await loop.http(request)
        return ChannelAnswer(status: response.status, headers: response.headers, body: response.body)
    }
}
