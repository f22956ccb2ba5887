public import Domain

public struct Reasons {
    let transaction: Transaction

    public func add(_ reason: Reason) throws {
        let id: ID<Reason> = transaction.newID()
        try transaction.execute(
            "INSERT INTO reasons (id, at, about, subject_id, decision, words) VALUES ($1, $2, $3, $4, $5, $6)",
            id, reason.at, reason.about, reason.subject, reason.decision, reason.text)
    }

    /// Oldest first.
    public func about(_ about: Reason.About, _ id: Int64) throws -> [Reason] {
        try transaction.query(
            "SELECT at, about, subject_id, decision, words FROM reasons WHERE about = $1 AND subject_id = $2 ORDER BY id", about, id
        ).map { row in
            var row = row
            return Reason(
                at: try row.time(), about: try row.name(), subject: try row.integer(), decision: try row.text(), text: try row.text())
        }
    }
}
