import Domain
import Store

extension Operations {
    /// What is known about a mail address from what came back.
    public static func showAddress(_ address: String, configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            try await store.read { tx in
                if let state = try tx.addresses.get(address) { return AddressReport(state).text }
                if let why = try tx.subscriptions.suppression(address: address) { return "\(address) is suppressed: \(why)" }
                return "Nothing is known against \(address.lowercased())."
            }
        }
    }

    /// Forgets it: journeys mail the address again. A customer who unsubscribed stays unsubscribed.
    public static func clearAddress(_ address: String, configuration: String) async throws -> String {
        try await withStore(configuration) { store in
            let isCleared = try await store.write { try $0.addresses.clear(address) }
            return isCleared
                ? "\(address.lowercased()) may be written to again." : "Nothing is known against \(address.lowercased())."
        }
    }
}

/// The state of an address, for the operator.
struct AddressReport {
    let text: String

    init(_ state: AddressState) {
        var lines = ["address \(state.address): \(state.condition.rawValue) since \(state.since)"]
        if let reason = state.reason {
            let status = state.status.map { " (\($0))" } ?? ""
            lines.append("  \(reason.rawValue)\(status), \(state.failures) failures: \(state.words)")
        }
        if let until = state.pausedUntil { lines.append("  journeys send nothing there until \(until)") }
        if let at = state.complainedAt { lines.append("  complained at \(at) (\(state.complaint ?? "abuse")): no marketing mail") }
        if let send = state.send { lines.append("  last told about send \(send)") }
        if state.condition != .ok || state.complainedAt != nil { lines.append("  hongyan address clear \(state.address)") }
        text = lines.joined(separator: "\n")
    }
}
