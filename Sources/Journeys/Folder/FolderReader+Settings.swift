import Domain
import Rules

extension FolderReader {
    /// `journey.yaml`.
    struct Settings {
        let purpose: Send.Purpose
        let topic: String?
        let enters: Event.Kind
        let sender: String?
        let answersJoinTicket: Bool
        let locale: String

        enum Answers: String, CaseIterable { case ticket, new }
        enum Locale: String, CaseIterable { case en, zh }

        private static let keys = ["purpose", "topic", "enter", "sender", "reply", "locale"]
        /// Words of the format that this version does not act on; passing over them would mail people who should not be mailed.
        private static let notYet = ["leave", "goal", "hold_out", "quiet", "cap", "zone", "late", "grace", "on_change", "from"]

        init(_ text: String, file: String) throws(RuleError) {
            let root = try StrictYAML.read(text, file: file)
            let written = try root.mapping(keys: Self.keys + Self.notYet)
            for entry in written.entries where Self.notYet.contains(entry.key) {
                throw entry.keyNode.error("`\(entry.key)` is not supported yet; remove it")
            }
            purpose = try written.required("purpose").oneOf(Send.Purpose.self)
            topic = try written["topic"]?.string()
            if purpose == .marketing, topic == nil {
                throw root.error("`topic` is missing; marketing mail needs one, it is what people unsubscribe from")
            }
            let enter = try written.required("enter").mapping(keys: ["event", "if", "again"])
            for entry in enter.entries where entry.key != "event" {
                throw entry.keyNode.error("`\(entry.key)` is not supported yet; remove it (everybody enters once)")
            }
            let event = try enter.required("event")
            let name = try event.oneOf(JourneyFolder.entrances.map(\.rawValue), what: "an event that a journey can begin with")
            enters = Event.Kind(rawValue: name) ?? .customerCreated
            sender = try written["sender"]?.string()
            answersJoinTicket = try written["reply"]?.oneOf(Answers.self) != .new
            locale = try (written["locale"]?.oneOf(Locale.self) ?? .en).rawValue
        }
    }
}
