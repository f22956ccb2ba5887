import Domain
import HTTPTypes
import Hummingbird
import ServiceLifecycle
import Store

extension Site {
    /// Between two messages to one page: a burst becomes a few refreshes.
    static let breath = Duration.milliseconds(120)
    static let ticketsNamedMax = 50

    /// Server-sent events: `change` names the tickets that changed, `reset` says to load everything, comments are heartbeats.
    @Sendable func live(_ request: Request, _ visit: Visit) async throws -> Response {
        _ = try visit.agentSession()
        let resumed = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }.flatMap { Int64($0) }
        let start = resumed ?? request.query("after").flatMap { Int64($0) }
        guard hub.subscriberCount < LiveHub.subscribersMax else { throw Refusal(.serviceUnavailable, "503", retryAfter: 10) }
        let hub = hub
        let body = ResponseBody { writer in
            if let (id, wakeUps) = hub.subscribe() {
                defer { hub.unsubscribe(id) }
                // Ends when the browser goes, when a write fails, or when the server stops, which waits for every answer to end.
                try await withGracefulShutdownHandler {
                    try await request.body.consumeWithInboundCloseHandler { _ in
                        try await Self.follow(hub, wakeUps, from: start ?? hub.position, to: &writer)
                    } onInboundClosed: {
                        hub.unsubscribe(id)
                    }
                } onGracefulShutdown: {
                    hub.unsubscribe(id)
                }
            }
            try await writer.finish(nil)
        }
        var response = Response(
            status: .ok, headers: [.contentType: "text/event-stream; charset=utf-8", .cacheControl: "no-store"], body: body)
        // A proxy that collects the answer first would make it useless.
        if let name = HTTPField.Name("X-Accel-Buffering") { response.headers[name] = "no" }
        return response
    }

    private static func follow(
        _ hub: LiveHub, _ wakeUps: AsyncStream<Void>, from start: Int64, to writer: inout any ResponseBodyWriter
    ) async throws {
        var position = start
        try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
        if try await tell(hub, &position, &writer) { try await Task.sleep(for: breath) }
        for await _ in wakeUps {
            if try await tell(hub, &position, &writer) {
                try await Task.sleep(for: breath)
            } else {
                try await writer.write(ByteBuffer(string: ":\n\n"))
            }
        }
    }

    /// A person's message is seen when it has its ticket, and that is an event of its own, a moment later. Told before, it would have the
    /// page load a list without it, and the list with it would have to wait for that.
    private static func isShown(_ event: Event) -> Bool {
        event.kind != .messageStored || event.data["nature"] != Interaction.Nature.human.rawValue
    }

    /// - Returns: whether there was anything to tell.
    private static func tell(_ hub: LiveHub, _ position: inout Int64, _ writer: inout any ResponseBodyWriter) async throws -> Bool {
        let (missed, newest) = hub.events(after: position)
        position = newest
        switch missed {
        case .events(let all):
            let events = all.filter(isShown)
            if events.isEmpty { return false }
            try await writer.write(ByteBuffer(string: message(events, position: newest)))
        case .tooMany: try await writer.write(ByteBuffer(string: "id: \(newest)\nevent: reset\ndata: {}\n\n"))
        }
        return true
    }

    /// `{"tickets":["123"],"arrived":["123"],"health":false}`: ids as strings, because they do not fit into a script's numbers.
    static func message(_ events: [Event], position: Int64) -> String {
        var tickets: [String] = []
        var arrived: [String] = []
        var isHealth = false
        for event in events {
            switch event.kind {
            case .accountChanged, .messageQuarantined: isHealth = true
            default: break
            }
            guard let ticket = event.ticket?.description, tickets.count < ticketsNamedMax else { continue }
            if !tickets.contains(ticket) { tickets.append(ticket) }
            let isArrival = event.kind == .ticketOpened || event.kind == .ticketJoined || event.kind == .ticketReopened
            if isArrival, !arrived.contains(ticket) { arrived.append(ticket) }
        }
        let list = { (ids: [String]) in "[" + ids.map { "\"\($0)\"" }.joined(separator: ",") + "]" }
        return "id: \(position)\nevent: change\n"
            + "data: {\"tickets\":\(list(tickets)),\"arrived\":\(list(arrived)),\"health\":\(isHealth)}\n\n"
    }
}
