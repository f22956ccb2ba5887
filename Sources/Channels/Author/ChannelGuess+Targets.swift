import Domain
import Formats

extension ChannelGuess {
    /// The parts of a message that are asked for, in this order.
    public static let targets = [
        "external_id", "occurred_at", "text", "author.name", "author.handle", "author.email", "subject", "permalink", "thread_id", "rating",
    ]
    /// Without these it is no message.
    public static let needed = ["external_id", "occurred_at"]
    static let scoreMin = 8

    private static let names: [String: [(word: String, score: Int)]] = [
        "external_id": [
            ("id", 20), ("uuid", 18), ("guid", 18), ("uri", 12), ("msgid", 18), ("messageid", 18), ("externalid", 16), ("token", 10),
            ("key", 8),
            ("responseid", 18), ("entryid", 18), ("commentid", 18), ("reviewid", 18), ("number", 6), ("编号", 16), ("序号", 16),
        ],
        "occurred_at": [
            ("createdat", 20), ("created", 18), ("createdtime", 20), ("createtime", 20), ("datecreated", 20), ("publishedat", 18),
            ("published", 18),
            ("submittedat", 20), ("submissiontime", 18), ("pubdate", 18), ("timestamp", 16), ("sentat", 18), ("sendtime", 18),
            ("receivedat", 14),
            ("date", 14), ("time", 14), ("datetime", 14), ("postedat", 18), ("submitted", 18), ("at", 14), ("updatedat", 6), ("updated", 6),
            ("提交时间", 20), ("时间", 16),
        ],
        "text": [
            ("text", 20), ("body", 20), ("content", 20), ("message", 18), ("comment", 18), ("review", 14), ("description", 12),
            ("summary", 10),
            ("feedback", 18), ("note", 10), ("answer", 10), ("question", 10), ("内容", 20), ("留言", 20), ("意见", 18),
        ],
        "author.name": [
            ("authorname", 20), ("displayname", 20), ("fullname", 18), ("nickname", 18), ("customername", 20), ("username", 10),
            ("name", 14),
            ("reviewername", 20), ("author", 14), ("creator", 12), ("姓名", 20), ("昵称", 18),
        ],
        "author.handle": [("username", 20), ("handle", 20), ("screenname", 20), ("acct", 18), ("login", 18), ("userhandle", 20)],
        "author.email": [("email", 20), ("mail", 18), ("emailaddress", 20), ("邮箱", 20)],
        "subject": [("title", 20), ("subject", 20), ("headline", 16), ("topic", 12), ("标题", 20), ("主题", 20)],
        "permalink": [("permalink", 22), ("htmlurl", 20), ("url", 14), ("link", 16), ("href", 14), ("weburl", 20), ("permalinkurl", 22)],
        "thread_id": [
            ("threadid", 20), ("conversationid", 20), ("topicid", 16), ("discussionid", 16), ("ticketid", 14), ("inreplytoid", 12),
            ("chatid", 14),
        ],
        "rating": [("rating", 20), ("stars", 20), ("score", 12), ("starrating", 20), ("评分", 20)],
    ]
    private static let people = [
        "author", "user", "from", "sender", "customer", "reviewer", "account", "creator", "contact", "owner", "poster",
    ]

    /// What may be the part of that name, the likeliest first; empty when nothing fits.
    public func choices(_ target: String) -> [Choice] {
        var found: [Choice] = []
        for leaf in leaves {
            guard let shape = shape(target, leaf) else { continue }
            let named = named(target, leaf)
            let score = named.score + shape.score - leaf.steps.count
            guard score >= Self.scoreMin else { continue }
            let (english, chinese) =
                named.score > 0
                ? ("its name, and \(shape.english)", "名称相符，且\(shape.chinese)") : (shape.english, shape.chinese)
            found.append(
                Choice(
                    value: Self.expression(leaf.steps) + shape.filter, english: english, chinese: chinese, seen: Self.shown(leaf),
                    score: score))
        }
        found.sort { $0.score > $1.score }
        if target == "external_id", found.isEmpty {
            found.append(
                Choice(
                    value: ". | hash", english: "nothing in it is different for every record, so a digest of the whole record is its id",
                    chinese: "没有每条都不同的字段，因此用整条记录的摘要作为编号", seen: "", score: 1))
        }
        return Array(found.prefix(6))
    }

    static func shown(_ leaf: Leaf) -> String {
        leaf.values.prefix(3).map { value in
            let line = value.split(whereSeparator: \.isNewline).first.map(String.init) ?? value
            return line.count > 40 ? line.prefix(39) + "…" : line
        }.joined(separator: " · ")
    }

    private func named(_ target: String, _ leaf: Leaf) -> (score: Int, Bool) {
        var score = Self.names[target]?.first { $0.word == leaf.name }?.score ?? 0
        let parents = leaf.trail.split(separator: ".").dropLast()
        let isPersons = parents.contains { parent in Self.people.contains { parent.contains($0) } }
        switch target {
        case "author.name", "author.handle", "author.email":
            if score > 0, isPersons { score += 8 }
            if leaf.name.hasPrefix("author") || leaf.name.hasPrefix("user") || leaf.name.hasPrefix("customer")
                || leaf.name.hasPrefix("reviewer")
            {
                let rest =
                    ["author", "user", "customer", "reviewer"].first { leaf.name.hasPrefix($0) }.map { leaf.name.dropFirst($0.count) } ?? ""
                if let plain = Self.names[target]?.first(where: { $0.word == rest }) { score = max(score, plain.score) }
            }
            if target == "author.name", !isPersons, parents.isEmpty == false, leaf.name == "name" { score -= 6 }
        case "external_id", "permalink", "thread_id", "subject", "text":
            if isPersons { score -= 15 }
            if !parents.isEmpty { score -= 3 }
        default: break
        }
        return (score, isPersons)
    }

    private struct Shape {
        var score: Int
        var filter = ""
        var english: String
        var chinese: String
    }

    /// Nil where the values cannot be that part.
    private func shape(_ target: String, _ leaf: Leaf) -> Shape? {
        let values = leaf.values
        let isEverywhere = values.count == records.count
        let longest = values.map(\.count).max() ?? 0
        let average = values.map(\.count).reduce(0, +) / max(1, values.count)
        switch target {
        case "external_id":
            guard isEverywhere, Set(values).count == values.count, longest <= 200, !values.contains(where: { $0.contains(" ") }) else {
                return nil
            }
            if Self.dateFormat(values) != nil, named(target, leaf).score <= 0 { return nil }
            return Shape(score: values.count > 1 ? 6 : 2, english: "different in every record", chinese: "每条记录都不同")
        case "occurred_at":
            guard let format = Self.dateFormat(values) else { return nil }
            return Shape(
                score: isEverywhere ? 12 : 4, filter: " | date(\(format))", english: "reads as a date (\(format))",
                chinese: "可按日期读取（\(format)）")
        case "text":
            guard !leaf.isNumber, Self.dateFormat(values) == nil, !values.allSatisfy({ $0.hasPrefix("http") || Text.email($0) != nil })
            else { return nil }
            let isLong = average > 40 || values.contains { $0.contains(" ") || $0.contains("，") || $0.contains("。") }
            return Shape(
                score: isLong ? min(14, 9 + average / 20) : 0, english: isLong ? "the words of people" : "text",
                chinese: isLong ? "像是人写的话" : "文本")
        case "author.email":
            guard values.contains(where: { Text.email($0) != nil }) else { return nil }
            return Shape(score: 10, english: "mail addresses", chinese: "邮箱地址")
        case "author.name", "author.handle":
            guard !leaf.isNumber, longest <= 80, Self.dateFormat(values) == nil,
                !values.contains(where: { $0.hasPrefix("http") || Text.email($0) != nil }),
                named(target, leaf).score > 0
            else { return nil }
            return Shape(score: 2, english: "short words", chinese: "短文本")
        case "subject":
            guard !leaf.isNumber, longest <= 300, named(target, leaf).score > 0 else { return nil }
            return Shape(score: 2, english: "short text", chinese: "短文本")
        case "permalink":
            guard values.allSatisfy({ $0.hasPrefix("https://") || $0.hasPrefix("http://") }) else { return nil }
            return Shape(score: isEverywhere ? 6 : 2, english: "addresses", chinese: "网址")
        case "thread_id":
            guard longest <= 200, named(target, leaf).score > 0 else { return nil }
            return Shape(score: 2, english: "ids", chinese: "编号")
        case "rating":
            guard values.allSatisfy({ Double($0).map { (0...100).contains($0) } ?? false }), named(target, leaf).score > 0 else {
                return nil
            }
            return Shape(score: 2, english: "small numbers", chinese: "较小的数字")
        default: return nil
        }
    }

    private static let formats = [
        "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
        "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y",
    ]

    /// The form in which every one of these is a date.
    static func dateFormat(_ values: [String]) -> String? {
        guard !values.isEmpty else { return nil }
        if values.allSatisfy({ $0.count >= 10 && $0.contains("-") && DateText.iso8601($0) != nil }) { return "iso" }
        let numbers = values.compactMap(Double.init)
        if numbers.count == values.count {
            if numbers.allSatisfy({ (946_684_800...4_102_444_800).contains($0) }) { return "epoch" }
            if numbers.allSatisfy({ (946_684_800_000...4_102_444_800_000).contains($0) }) { return "epoch_ms" }
            return nil
        }
        guard let utc = Zone("UTC") else { return nil }
        return formats.first { pattern in
            guard let format = DateFormat(pattern) else { return false }
            return values.allSatisfy { format.time($0, zone: utc) != nil }
        }.map { "'\($0)'" }
    }

    /// Whether the words are HTML, which the engine makes text of.
    public func isHTML(_ choice: Choice) -> Bool {
        leaves.first { Self.expression($0.steps) == choice.value }?.values.contains {
            $0.contains("</") || $0.contains("<br") || $0.contains("<p>")
        } ?? false
    }
}
