import Domain

// Complaints: feedback reports (RFC 5965), and the forms some providers send instead.
extension ReportReader {
    func complaint() -> MachineReport? {
        if let part = mail.attachments.first(where: { $0.type == "message/feedback-report" }) {
            return feedback(StatusFields(Charset.text(part.bytes, label: nil)))
        }
        if mail.contentType == "message/feedback-report" { return feedback(StatusFields(mail.text)) }
        if mail.report == .feedback, StatusFields(mail.text).groups.contains(where: { $0.has("feedback-type") }) {
            return feedback(StatusFields(mail.text))
        }
        if mail.report == .feedback { return feedback(StatusFields("Feedback-Type: abuse\n")) }
        if let value = mail.header("X-Apple-Unsubscribe"), ASCII.lowercased(ASCII.trim(value)) == "true" {
            let address = mail.from.first?.address ?? ""
            return report(
                .complaint, [recipient(address, type: "opt-out")],
                "the mailbox provider unsubscribes for its user: X-Apple-Unsubscribe is true")
        }
        let subject = ASCII.lowercased(ASCII.trim(mail.subject))
        if subject.hasPrefix("complaint about message from"), mail.attachments.contains(where: { $0.type == "message/rfc822" }) {
            return report(
                .complaint, addresses(original.to).map { recipient($0, type: "abuse") },
                "a complaint: the subject says so and the mail is attached")
        }
        return nil
    }

    private func feedback(_ fields: StatusFields) -> MachineReport {
        let groups = fields.groups
        func first(_ name: String) -> String? { groups.lazy.compactMap { $0[name] }.first }
        let type = ASCII.lowercased(first("feedback-type") ?? "abuse")
        var named = groups.flatMap { $0.all("original-rcpt-to") + $0.all("removal-recipient") }.flatMap {
            AddressScan.all($0).map(\.address)
        }
        if named.isEmpty { named = original.to }
        var result = report(
            .complaint, addresses(named).map { recipient($0, type: type) }, "a complaint: the mail is a feedback report of type \(type)")
        result.original.envelopeID = first("original-envelope-id")
        return result
    }

    /// At most as many as are kept, each once; one without a name when the provider hides it.
    private func addresses(_ all: [String]) -> [String] {
        var seen: Set<String> = []
        let named = all.filter { seen.insert(ASCII.lowercased($0)).inserted }.prefix(MachineReport.recipientsMax)
        return named.isEmpty ? [""] : Array(named)
    }

    private func recipient(_ address: String, type: String) -> MachineReport.Recipient {
        MachineReport.Recipient(address: address, action: .none, reason: .feedback, feedbackType: type)
    }
}
