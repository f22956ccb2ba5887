public import Domain
import HTTPTypes
import Hummingbird
import Logging
import Store
import Synchronization

/// Who takes what outside services push; the requests themselves are this room's business, what is in them is not.
public struct Hooks: Sendable {
    /// How large a request to an account may be; nil when nothing is pushed to it.
    var sizeBytesMax: @Sendable (_ account: String) -> Int?
    /// Stored when it returns `taken`.
    var take: @Sendable (HookPost) async throws -> HookAnswer
    /// Counts what is refused here.
    var refuse: @Sendable (_ account: String, HookRefusal) -> Void

    public init(
        sizeBytesMax: @escaping @Sendable (_ account: String) -> Int?, take: @escaping @Sendable (HookPost) async throws -> HookAnswer,
        refuse: @escaping @Sendable (_ account: String, HookRefusal) -> Void
    ) {
        self.sizeBytesMax = sizeBytesMax
        self.take = take
        self.refuse = refuse
    }
}

/// How many requests are in hand at once, by place: their bodies lie in memory or are being written.
final class HookCrowd: Sendable {
    static let max = 64
    static let perPlaceMax = 16
    private static let glance = Duration.milliseconds(50)
    private let places = Mutex<[String: Int]>([:])

    func enter(_ place: String) -> Bool {
        places.withLock { places in
            guard places.values.reduce(0, +) < Self.max, places[place, default: 0] < Self.perPlaceMax else { return false }
            places[place, default: 0] += 1
            return true
        }
    }

    /// Waits for a place.
    /// - Returns: false when there was none all the time.
    func enter(_ place: String, atMost: Duration) async throws -> Bool {
        let end = ContinuousClock.now + atMost
        while !enter(place) {
            guard ContinuousClock.now < end else { return false }
            try await Task.sleep(for: Self.glance)
        }
        return true
    }

    func leave(_ place: String) {
        places.withLock { places in
            places[place, default: 1] -= 1
            if places[place] == 0 { places[place] = nil }
        }
    }
}

// `/hooks/<account>`: the answers say nothing but a number, for whoever knocks wrongly need not know why.
extension Site {
    static let hookBytesMax = 4 << 20
    /// A body that takes longer is not waited for.
    static let hookPatience = Duration.seconds(20)
    static let hooksPerHour = 400_000
    /// Of one address, refused; then it waits.
    static let hookRefusalsPerHour = 600

    @Sendable func hook(_ request: Request, _ visit: Visit) async throws -> Response {
        let account = Fields.decoded(Array((visit.parameters.get("account") ?? "").utf8)[...])
        guard let hooks = settings.hooks, let sizeBytesMax = hooks.sizeBytesMax(account) else {
            tally.count("hook unknown")
            return .bare(.notFound)
        }
        let place = visit.remote ?? "?"
        let strikes = "hook refused \(place)"
        if limits.isSpent(strikes, perHour: Self.hookRefusalsPerHour) { return refuseHook(account, .rate, wait: 10) }
        if let wait = limits.take("hook \(account)", perHour: Self.hooksPerHour) { return refuseHook(account, .rate, wait: wait) }
        guard crowd.enter(place) else { return refuseHook(account, .rate, wait: 1) }
        defer { crowd.leave(place) }
        do {
            let body = try await Self.within(Self.hookPatience) {
                try await Fields.bytes(request, sizeBytesMax: min(sizeBytesMax, Self.hookBytesMax))
            }
            guard let body else { return .bare(.requestTimeout) }
            let query = Fields.urlencoded(Array((request.uri.query ?? "").utf8)).pairs.map { (name: $0.name, value: $0.value) }
            let post = HookPost(
                account: account, isQuestion: request.method == .get || request.method == .head,
                headers: request.headers.map { (name: $0.name.rawName, value: $0.value) }, query: query, body: body)
            switch try await hooks.take(post) {
            case .taken(let status, let text):
                tally.count("hook taken")
                return .plain(text, status: .init(code: status))
            case .challenge(let text):
                tally.count("hook asked")
                return .plain(text, status: .ok)
            case .refused(let refusal):
                _ = limits.take(strikes, perHour: Self.hookRefusalsPerHour)
                tally.count("hook refused \(refusal.rawValue)")
                return .bare(Self.status(refusal))
            }
        } catch let refusal as Refusal {
            return refusal.status == .contentTooLarge ? refuseHook(account, .size) : .bare(refusal.status)
        } catch is CancellationError {
            throw CancellationError()
        } catch {  // not thanked: it will come again
            logger.error("A push could not be stored.", metadata: ["account": "\(account)", "error": "\(error)"])
            tally.count("hook not stored")
            return .bare(.serviceUnavailable)
        }
    }

    private func refuseHook(_ account: String, _ refusal: HookRefusal, wait: Int64? = nil) -> Response {
        settings.hooks?.refuse(account, refusal)
        tally.count("hook refused \(refusal.rawValue)")
        var response = Response.bare(Self.status(refusal))
        if let wait { response.headers[.retryAfter] = "\(wait)" }
        return response
    }

    private static func status(_ refusal: HookRefusal) -> HTTPResponse.Status {
        switch refusal {
        case .unknown: .notFound
        case .unsigned, .signature, .stale: .unauthorized
        case .challenge: .forbidden
        case .size: .contentTooLarge
        case .rate: .tooManyRequests
        }
    }

    /// Nil when it took longer.
    static func within<T: Sendable>(_ time: Duration, _ work: @escaping @Sendable () async throws -> T) async throws -> T? {
        try await withThrowingTaskGroup(of: T?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try? await Task.sleep(for: time)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}

extension Response {
    /// A number, and nothing else.
    static func bare(_ status: HTTPResponse.Status) -> Response { Response(status: status, headers: [.cacheControl: "no-store"]) }

    /// What a program asked for: JSON when it looks like it.
    static func plain(_ text: String, status: HTTPResponse.Status) -> Response {
        text.hasPrefix("{") ? .json(text, status: status) : .text(text, status: status)
    }
}
