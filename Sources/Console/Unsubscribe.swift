import Domain
import HTTPTypes
import Hummingbird
import Logging
import Store

// The link at the foot of marketing mail. GET only shows; POST acts, by the button or by RFC 8058's one-click body.
// The token is all it takes: no cookie, no login, no redirect.
extension Site {
    static let unsubscribesPerHour = 300
    private static let bodyBytesMax = 64 << 10

    private struct Link: Sendable {
        var customer: ID<Customer>
        /// Nil is everything.
        var topic: String?
        var address: String?
        var isSubscribed: Bool
    }

    /// What the token names: customer, topic, send.
    private func link(_ visit: Visit) async throws -> Link {
        guard let token = visit.parameters.get("token"), token.utf8.count <= 1024, let parts = store.signer.verifyToken("u", token),
            parts.count >= 2, let id = ID<Customer>(parts[0])
        else { throw Refusal(.notFound, "404_unsubscribe") }
        let topic = parts[1].isEmpty ? nil : parts[1]
        return try await store.read { transaction in
            let address = try transaction.customers.get(id)?.email
            let isSubscribed = try transaction.subscriptions.isSubscribed(id, topic: topic ?? "")
            return Link(customer: id, topic: topic, address: address, isSubscribed: isSubscribed)
        }
    }

    @Sendable func unsubscribePage(_ request: Request, _ visit: Visit) async throws -> Response {
        unsubscribePage(try await link(visit), visit, done: nil)
    }

    private func unsubscribePage(_ link: Link, _ visit: Visit, done: String?) -> Response {
        let words = words(visit)
        var model: Model = [
            "isSubscribed": link.isSubscribed, "address": Self.masked(link.address ?? words["unsubscribe_you"]),
            "hasTopic": link.topic != nil,
        ]
        let about = link.topic.map { words.fill("unsubscribe_topic", ["topic": words.has("topic_\($0)") ? words["topic_\($0)"] : $0]) }
        model["about"] = about ?? words["unsubscribe_everything"]
        if let done { model["done"] = words[done] }
        return page("unsubscribe", visit, title: words["unsubscribe_title"], model)
    }

    @Sendable func postUnsubscribe(_ request: Request, _ visit: Visit) async throws -> Response {
        if let wait = limits.take("unsubscribe \(visit.remote ?? "?")", perHour: Self.unsubscribesPerHour) {
            throw Refusal(.tooManyRequests, "429_form", retryAfter: wait)
        }
        var link = try await link(visit)
        let form = try await Fields.read(request, sizeBytesMax: Self.bodyBytesMax)
        let (customer, topic) = (link.customer, link.topic)
        let isOneClick = form["List-Unsubscribe"] == "One-Click"
        guard isOneClick || ["unsubscribe", "all", "resubscribe"].contains(form["action"] ?? "") else { throw Refusal(.badRequest, "400") }
        let action = isOneClick ? "unsubscribe" : form["action"] ?? ""
        try await store.write { transaction in
            switch action {
            case "resubscribe":
                try transaction.subscriptions.resubscribe(customer, topic: topic, source: "link")
            case "all":
                try transaction.subscriptions.unsubscribe(customer, topic: nil, source: "link")
            default:
                try transaction.subscriptions.unsubscribe(customer, topic: topic, source: isOneClick ? "one-click" : "link")
            }
        }
        tally.count("consent \(action)")
        logger.info("Consent changed.", metadata: ["customer": "\(customer)", "action": "\(action)", "topic": "\(topic ?? "everything")"])
        if isOneClick { return .text("unsubscribed\n") }
        link.isSubscribed = action == "resubscribe"
        return unsubscribePage(link, visit, done: action == "resubscribe" ? "unsubscribe_back" : "unsubscribe_done")
    }

    /// `a•••@example.com`: enough for its owner.
    static func masked(_ address: String) -> String {
        guard let at = address.firstIndex(of: "@"), let first = address.first else { return address }
        return "\(first)•••\(address[at...])"
    }
}
