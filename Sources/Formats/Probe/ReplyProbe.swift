/// How a message would be taken apart: `hongyan probe reply`.
public enum ReplyProbe {
    public enum Problem: Error, Hashable, CustomStringConvertible {
        case notText(String)
        public var description: String {
            switch self {
            case .notText(let fileExtension): "a .\(fileExtension) file is no message; give .txt, .html or .eml"
            }
        }
    }

    /// `reply_text`, and `signature` where one was split off.
    /// - Parameters:
    ///   - fileExtension: `txt` and `md` for the text of a message, `html` for its HTML, `eml` for a whole mail.
    ///   - keepSignature: leave the author's signature in `reply_text`, as some corpora have it; what programs, companies and mailing
    ///     lists added goes in any case.
    public static func result(_ bytes: [UInt8], fileExtension: String, keepSignature: Bool = false) throws -> JSONValue {
        let split = try split(bytes, fileExtension)
        var members = [JSONValue.Member("reply_text", .string(keepSignature ? split.signed : split.newWords))]
        members.append(.init("signature", .string(split.signature)))
        members.append(.init("quoted", .string(split.quoted)))
        members.append(.init("reasons", .array(split.reasons.map(JSONValue.string))))
        return .object(members)
    }

    /// The message with the name of its part before each line, and why.
    public static func page(_ bytes: [UInt8], fileExtension: String) throws -> String {
        let split = try split(bytes, fileExtension)
        var lines: [String] = []
        for piece in split.pieces {
            let name = piece.part.rawValue
            let margin = name + String(repeating: " ", count: max(1, 10 - name.count)) + "│ "
            lines += piece.text.split(separator: "\n", omittingEmptySubsequences: false).map { margin + $0 }
        }
        lines.append("")
        lines += split.reasons.isEmpty ? ["Nothing was split off."] : split.reasons
        return lines.joined(separator: "\n") + "\n"
    }

    private static func split(_ bytes: [UInt8], _ fileExtension: String) throws -> SplitText {
        switch fileExtension.lowercased() {
        case "txt", "text", "md", "": return ReplySplitter.split(text: Charset.text(bytes, label: nil, hint: nil))
        case "html", "htm": return ReplySplitter.split(html: Charset.text(bytes, label: nil, hint: nil)).text
        case "eml":
            let mail = try MailParser.parse(bytes)
            return ReplySplitter.split(text: mail.text, html: mail.html, isForward: ReplySplitter.isForwardSubject(mail.subject))
        default: throw Problem.notText(fileExtension)
        }
    }
}
