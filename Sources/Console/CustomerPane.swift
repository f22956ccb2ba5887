import Domain
import Store

// The customer beside the conversation.
extension Scene {
    func customer(_ whole: Conversation) -> Model {
        let name = whole.customer?.name ?? whole.ticket.customerName
        var model: Model = ["name": name.isEmpty ? "?" : name, "initials": initials(name)]
        if let customer = whole.customer {
            var facts = [words.fill("customer_since", ["when": time.day(customer.createdAt)])]
            if let language = customer.language, words.has("language_\(language)") { facts.insert(words["language_\(language)"], at: 0) }
            model["facts"] = facts.joined(separator: " · ")
            model["identities"] = customer.identities.map { identity in
                ["kind": words["identity_\(identity.kind.rawValue)"], "value": written(identity)] as Model
            }
            model["hasIdentities"] = !customer.identities.isEmpty
        }
        if let last = whole.moods.last {
            let label = words.fill(
                "mood_label", ["n": "\(whole.moods.count)", "from": Mood.written(whole.moods[0].score), "to": Mood.written(last.score)])
            model["spark"] = Sparkline.svg(whole.moods, label: label)
            model["sparkText"] = Mood.written(last.score)
            model["sparkTone"] = Mood.tone(last.score)
        }
        if let bought = whole.purchases { model["purchases"] = purchases(bought) }
        model["journeys"] = journeys(whole)
        model["hasJourneys"] = !whole.enrolments.isEmpty
        model["sends"] = whole.sends.map { line($0, whole.returns[$0.send.id] ?? []) }
        if let warning = addressWarning(whole.address) { model["addressState"] = warning }
        model["hasSends"] = !whole.sends.isEmpty
        model["others"] = whole.others.map { ticket in
            [
                "href": "/tickets/\(ticket.number)", "number": "\(ticket.number)", "subject": subject(ticket.subject),
                "status": words["status_\(ticket.status.rawValue)"],
            ] as Model
        }
        model["hasOthers"] = !whole.others.isEmpty
        return model
    }

    /// `mastodon.social/akeller` is written as people write it: `@akeller@mastodon.social`.
    private func written(_ identity: Identity) -> String {
        if identity.kind == .shop, let slash = identity.value.firstIndex(of: "/") {
            return "\(identity.value[identity.value.index(after: slash)...]) (\(identity.value[..<slash]))"
        }
        guard identity.kind == .handle, let slash = identity.value.firstIndex(of: "/") else { return identity.value }
        let network = identity.value[..<slash]
        let handle = "@" + identity.value[identity.value.index(after: slash)...]
        return network.isEmpty ? handle : "\(handle)@\(network)"
    }

    private func journeys(_ whole: Conversation) -> [Model] {
        whole.enrolments.map { enrolment in
            var text = words["enrolment_\(enrolment.state.rawValue)"]
            if enrolment.state == .active, let step = enrolment.step {
                text = words.fill("enrolment_next", ["step": step, "when": enrolment.nextAt.map { time.ahead($0) } ?? "–"])
            }
            return ["name": enrolment.journey, "text": text] as Model
        }
    }

    /// An acknowledgement's subject is the customer's own, put in when it is sent.
    private func subject(of send: Send) -> String { send.kind == .acknowledgement ? send.vars["subject"] ?? "" : send.subject ?? "" }

    private func line(_ line: Conversation.SendLine, _ returns: [SendReturn]) -> Model {
        let send = line.send
        let name = send.journey.map { journey in send.step.map { "\(journey) · \($0)" } ?? journey } ?? words["send_\(send.kind.rawValue)"]
        var model: Model = ["name": name, "state": sendState(send, returns)]
        let subject = subject(of: send)
        if !subject.isEmpty { model["subject"] = subject }
        model["when"] = time.model(send.finishedAt ?? send.dueAt)
        // What was accepted needs no explanation; everything else does.
        if let back = returns.last {
            model["reason"] = returned(back, to: send.recipient)
        } else if send.state != .accepted, let reason = line.reason, !reason.isEmpty {
            model["reason"] = words.said(reason)
        }
        return model
    }
}
