import Domain

/// What Intake set apart from a message's new words, as the conversation folds it away: the history, the signature, and the way to take
/// the cut back.
struct SetApart {
    /// Empty where there is none. Answers written between quoted lines make no sense without them: then it is the whole message.
    var quoted: String
    var signature: String
    var isWhole = false
    var isCut = false

    /// Nil when nothing was set apart.
    init?(_ message: Interaction) {
        guard let fresh = message.newWords else { return nil }
        signature = message.signature ?? ""
        if let rest = Self.rest(of: message.body, without: fresh, signature) {
            quoted = rest
        } else {
            quoted = message.body
            isWhole = true
        }
        (quoted, isCut) = MessageText.cut(quoted)
        quoted = quoted.trimmedNewlines
    }

    var lines: Int { Self.count(quoted) + (isWhole ? 0 : Self.count(signature)) }

    private static func count(_ text: String) -> Int { text.utf8.split(separator: 0x0A).count }

    /// The lines of `body` that are neither. Nil when new words stand between them, or when the words are not those of the body (they
    /// were taken from the HTML).
    private static func rest(of body: String, without fresh: String, _ signature: String) -> String? {
        let new = lines(fresh)
        let signed = lines(signature)
        var rest: [Substring.UTF8View] = []
        var (nextNew, nextSigned) = (0, 0)
        var isNewBelow = false
        for line in body.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            let bare = trimmed(line)
            if bare.isEmpty {
                if !rest.isEmpty { rest.append(line) }
            } else if nextNew < new.count, bare.elementsEqual(new[nextNew]) {
                nextNew += 1
                isNewBelow = !rest.isEmpty
            } else if nextSigned < signed.count, bare.elementsEqual(signed[nextSigned]) {
                nextSigned += 1
            } else if isNewBelow {
                return nil
            } else {
                rest.append(line)
            }
        }
        guard nextNew == new.count, nextSigned == signed.count else { return nil }
        return String(decoding: Array(rest.joined(separator: [0x0A])), as: UTF8.self)
    }

    private static func lines(_ text: String) -> [Substring.UTF8View] {
        text.utf8.split(separator: 0x0A).map(trimmed).filter { !$0.isEmpty }
    }

    private static func trimmed(_ line: Substring.UTF8View) -> Substring.UTF8View {
        var line = line.drop { $0 <= 0x20 }
        while let last = line.last, last <= 0x20 { line.removeLast() }
        return line
    }
}

extension Vocabulary {
    /// "Show quoted text and signature (14 lines)"
    func fold(quoted: Bool, signature: Bool, lines: Int) -> String {
        let key = quoted && signature ? "fold_both" : quoted ? "fold_quoted" : "fold_signature"
        return fill(key, ["lines": linesText(lines)])
    }

    func linesText(_ count: Int) -> String { count == 1 ? self["lines_one"] : fill("lines_many", ["n": "\(count)"]) }
}

extension Site {
    /// What a page needs to fold it away; nothing when the message is whole.
    static func setApart(_ message: Interaction, _ words: Vocabulary) -> Model {
        guard let apart = SetApart(message) else { return [:] }
        let (hasQuoted, hasSignature) = (!apart.quoted.isEmpty, !apart.signature.isEmpty && !apart.isWhole)
        var model: Model = ["quoted": SafeHTML(SafeHTML.escape(apart.quoted)), "hasQuoted": hasQuoted, "isRestCut": apart.isCut]
        model["foldText"] =
            apart.isWhole
            ? words.fill("fold_whole", ["lines": words.linesText(apart.lines)])
            : words.fold(quoted: hasQuoted, signature: hasSignature, lines: apart.lines)
        if hasSignature { model["signature"] = apart.signature }
        model["wholeURL"] = "/messages/\(message.id)/whole"
        return model
    }
}
