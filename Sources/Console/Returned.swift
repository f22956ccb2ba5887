import Domain
import Store

// What came back, in words for people.
extension Scene {
    /// "Did not arrive at ana@example.com: there is no such address. The server said: 550 5.1.1 …" Nil for what needs no words.
    func returned(_ back: SendReturn, to recipient: String) -> String? {
        if back.kind == .delivered { return nil }
        var text = words.fill("returned_line_\(back.kind.rawValue)", ["to": recipient, "reason": words["reason_\(back.reason.rawValue)"]])
        if back.kind != .complained, !back.words.isEmpty { text += " " + words.fill("returned_words", ["words": back.words]) }
        return text
    }

    /// What to know before writing to an address; nil when nothing speaks against it.
    func addressWarning(_ state: AddressState?) -> String? {
        guard let state else { return nil }
        var parts: [String] = []
        if state.condition != .ok {
            parts.append(
                words.fill(
                    "address_\(state.condition.rawValue)",
                    [
                        "address": state.address, "reason": words["reason_\((state.reason ?? .undefined).rawValue)"],
                        "when": time.day(state.since),
                    ]))
            if !state.words.isEmpty { parts.append(words.fill("returned_words", ["words": state.words])) }
        }
        if let at = state.complainedAt { parts.append(words.fill("address_complained", ["address": state.address, "when": time.day(at)])) }
        return parts.isEmpty ? nil : parts.joined(separator: " ")
    }
}
