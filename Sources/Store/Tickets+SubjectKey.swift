import Domain

extension Tickets {
    /// What two subjects have in common when they are about the same.
    public static func subjectKey(_ subject: String) -> String { SubjectMarks.key(subject) }
}
