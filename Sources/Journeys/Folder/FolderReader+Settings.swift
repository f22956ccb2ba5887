import Domain
import Rules

extension FolderReader {
    /// `journey.yaml`.
    struct Settings {
        let purpose: Send.Purpose
        let topic: String?
        let enters: Event.Kind
        let entry: JourneyFolder.Entry
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
            let enter = try written.required("enter").mapping(keys: ["event", "by", "order", "again", "if"])
            for entry in enter.entries where entry.key == "if" {
                throw entry.keyNode.error("`if` is not supported yet; remove it (everybody enters once)")
            }
            let event = try enter.required("event")
            let name = try event.oneOf(JourneyFolder.entrances.map(\.rawValue), what: "an event that a journey can begin with")
            enters = Event.Kind(rawValue: name) ?? .customerCreated
            entry = try Self.entry(enter, enters)
            sender = try written["sender"]?.string()
            answersJoinTicket = try written["reply"]?.oneOf(Answers.self) != .new
            locale = try (written["locale"]?.oneOf(Locale.self) ?? .en).rawValue
        }

        private static func entry(_ enter: YAMLMapping, _ enters: Event.Kind) throws(RuleError) -> JourneyFolder.Entry {
            var entry = JourneyFolder.Entry()
            let isOrder = enters.rawValue.hasPrefix("order.")
            if let node = enter["by"] {
                guard enters == .customerCreated else { throw node.error("`by` belongs to customer.created; remove it") }
                entry.by = try node.oneOf(JourneyFolder.Entry.By.self)
            }
            if let node = enter["order"] {
                guard isOrder else { throw node.error("`order` belongs to the events of orders; remove it") }
                entry.order = try node.oneOf(JourneyFolder.Entry.Which.self)
            }
            if let node = enter["again"] {
                guard isOrder else { throw node.error("`again` belongs to the events of orders; everybody enters once, remove it") }
                entry.isForEachOrder = try node.bool()
                guard !entry.isForEachOrder || entry.order == .any else {
                    throw node.error("there is one first order only; remove `again`")
                }
            }
            return entry
        }
    }
}
