import Domain
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Store

#if canImport(Glibc)
    import Glibc
#endif

// For monitoring: is the process alive, does its database answer, and how much of what there is.
extension Site {
    @Sendable func ready(_ request: Request, _ visit: Visit) async throws -> Response {
        guard let problem = await store.check() else { return .text("ready\n") }
        return .text("not ready: \(problem)\n", status: .serviceUnavailable)
    }

    /// Prometheus' text format 0.0.4. For this machine, or with the token.
    @Sendable func metrics(_ request: Request, _ visit: Visit) async throws -> Response {
        let given = request.headers[.authorization].flatMap { $0.hasPrefix("Bearer ") ? String($0.dropFirst(7)) : nil }
        let hasToken = settings.metricsToken.map { isSame(given ?? "", $0.reveal()) } ?? false
        guard hasToken || visit.isLoopback else { throw Refusal(.forbidden, "metrics") }
        var text = MetricsText()
        describeProcess(&text)
        do {
            let numbers = try await store.read(Numbers.read)
            describe(numbers, &text)
        } catch {
            text.gauge("hongyan_store_up", "Whether the database answers.", [([], 0)])
        }
        var response = Response.text(text.text)
        response.headers[.contentType] = "text/plain; version=0.0.4; charset=utf-8"
        return response
    }

    private func describeProcess(_ text: inout MetricsText) {
        text.gauge("hongyan_build_info", "The running version.", [([("version", settings.version)], 1)])
        text.gauge("process_start_time_seconds", "When the console started, since 1970.", [([], Double(startedAt.seconds))])
        if let bytes = Self.residentBytes() { text.gauge("process_resident_memory_bytes", "Resident memory.", [([], Double(bytes))]) }
        text.gauge("hongyan_live_connections", "Pages that follow live updates.", [([], Double(hub.subscriberCount))])
        let counted = tally.all.sorted { $0.key < $1.key }.map { name, count -> MetricsText.Sample in ([("what", name)], Double(count)) }
        text.counter("hongyan_console_total", "What happened at the public doors and the login.", counted)
    }

    private struct Numbers: Sendable {
        var interactions: Int64 = 0
        var unplaced: Int64 = 0
        var customers: Int64 = 0
        var tickets: [Ticket.Status: Int64] = [:]
        var spool: [String: Int64] = [:]
        var sends: [Send.State: Int64] = [:]
        var health: [AccountHealth] = []
        var position: Int64 = 0

        @Sendable static func read(_ transaction: Transaction) throws -> Numbers {
            Numbers(
                interactions: try transaction.interactions.count(), unplaced: try transaction.interactions.unplacedCount(),
                customers: try transaction.customers.count(), tickets: try transaction.tickets.counts(agent: nil).byStatus,
                spool: try transaction.spool.counts(), sends: try transaction.sends.counts(), health: try transaction.accounts.allHealth(),
                position: try transaction.events.lastPosition())
        }
    }

    private func describe(_ numbers: Numbers, _ text: inout MetricsText) {
        text.gauge("hongyan_store_up", "Whether the database answers.", [([], 1)])
        text.gauge("hongyan_interactions", "Messages stored.", [([], Double(numbers.interactions))])
        text.gauge("hongyan_interactions_unplaced", "Messages that wait for their ticket.", [([], Double(numbers.unplaced))])
        text.gauge("hongyan_customers", "Customers known.", [([], Double(numbers.customers))])
        text.gauge("hongyan_events_position", "Position of the newest event.", [([], Double(numbers.position))])
        text.gauge(
            "hongyan_tickets", "Tickets by status.",
            Ticket.Status.allCases.map { ([("status", $0.rawValue)], Double(numbers.tickets[$0] ?? 0)) })
        let states = Set(numbers.spool.keys).union(["new", "quarantined"]).sorted()
        text.gauge("hongyan_spool_items", "Raw items by state.", states.map { ([("state", $0)], Double(numbers.spool[$0] ?? 0)) })
        text.gauge(
            "hongyan_sends", "The send ledger by state.",
            Send.State.allCases.map { ([("state", $0.rawValue)], Double(numbers.sends[$0] ?? 0)) })
        let accounts = numbers.health.sorted { $0.account < $1.account }
        let each = { (value: (AccountHealth) -> Double) in accounts.map { ([("account", $0.account)], value($0)) as MetricsText.Sample } }
        text.gauge(
            "hongyan_account_up", "0 while an account fails or is stopped.", each { $0.state == .failing || $0.state == .stopped ? 0 : 1 })
        text.gauge("hongyan_account_failures_in_a_row", "Failed attempts since the last success.", each { Double($0.failuresInARow) })
        text.counter("hongyan_account_items_stored_total", "Items stored since the account exists.", each { Double($0.itemsStored) })
        text.gauge(
            "hongyan_account_last_success_timestamp_seconds", "Last success, since 1970; 0 is never.",
            each { Double($0.lastSuccessAt?.seconds ?? 0) })
    }

    /// Second number of `/proc/self/statm`, in pages. The file is made by the kernel on the spot, so reading it does not block.
    static func residentBytes() -> Int? {
        #if canImport(Glibc)
            guard let bytes = FileManager.default.contents(atPath: "/proc/self/statm") else { return nil }
            let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ")
            return parts.count > 1 ? Int(parts[1]).map { $0 * Int(sysconf(Int32(_SC_PAGESIZE))) } : nil
        #else
            return nil
        #endif
    }
}

/// Writes Prometheus' text format by hand.
struct MetricsText {
    typealias Sample = (labels: [(name: String, value: String)], value: Double)

    private(set) var text = ""

    mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) { family(name, help, "gauge", samples) }
    mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) { family(name, help, "counter", samples) }

    private mutating func family(_ name: String, _ help: String, _ type: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        for sample in samples {
            let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            let isWhole = sample.value.magnitude < 1e15 && sample.value == sample.value.rounded()
            text += name + (labels.isEmpty ? "" : "{\(labels)}") + " " + (isWhole ? "\(Int64(sample.value))" : "\(sample.value)") + "\n"
        }
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
