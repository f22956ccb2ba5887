/// The `5.1.1` of `550 5.1.1 no such user` (RFC 3463).
struct EnhancedStatus: Sendable, Hashable {
    let kind: Int
    let subject: Int
    let detail: Int

    /// Finds the first one among the words of a reply.
    init?(in reply: String) {
        for word in reply.split(whereSeparator: { $0 == " " || $0 == "-" || $0 == "\n" || $0 == "\r" }).prefix(4) {
            let numbers = word.split(separator: ".", omittingEmptySubsequences: false)
            guard numbers.count == 3, numbers.allSatisfy({ (1...3).contains($0.utf8.count) }) else { continue }
            guard let kind = Int(numbers[0]), [2, 4, 5].contains(kind), let subject = Int(numbers[1]), let detail = Int(numbers[2]) else {
                continue
            }
            (self.kind, self.subject, self.detail) = (kind, subject, detail)
            return
        }
        return nil
    }

    /// The address is no good and will not be: a bad mailbox or system (5.1.x), or a mailbox that takes nothing any more (5.2.1). Not 5.1.7
    /// and 5.1.8, which speak of the sender, and never 5.7.x, which is about reputation.
    var meansDeadAddress: Bool {
        kind == 5 && ((subject == 1 && detail != 7 && detail != 8) || (subject == 2 && detail == 1))
    }
}
