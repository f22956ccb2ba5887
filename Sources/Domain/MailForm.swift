/// A form tool that mails what people filled in, as the operator described it: which mails are its own, and what its labels mean.
public struct MailForm: Sendable, Hashable {
    public var name: String
    /// Senders, as in routing rules: `*@forms.example`, `wordpress@`. Any of them; none means any sender.
    public var from: [String]
    /// Words of the subject, as in routing rules. Any of them; none means any subject.
    public var subjects: [String]
    /// What the labels stand for, in the order they were written. Labels that are not here are kept as fields and nothing more.
    public var labels: [Label]
    /// Labels that are left out.
    public var drop: [String]

    public struct Label: Sendable, Hashable {
        public var text: String
        public var part: Part
        public init(_ text: String, _ part: Part) {
            self.text = text
            self.part = part
        }
    }

    /// What a field says about the person or the message.
    public enum Part: String, Sendable, Hashable, CaseIterable { case name, email, phone, subject, message }

    public init(name: String, from: [String] = [], subjects: [String] = [], labels: [Label], drop: [String] = []) {
        self.name = name
        self.from = from
        self.subjects = subjects
        self.labels = labels
        self.drop = drop
    }
}
