import Mustache

/// Where a rendered text will stand. It decides how the values in it are made harmless, so that the author never has to.
enum TemplatePlace: String, Sendable {
    /// The body of a message: values lose their meaning as Markdown.
    case markdown = "HONGYAN_MARKDOWN"
    /// A header field: values stay on their line.
    case header = "HONGYAN_HEADER"
    /// The HTML around a message: values stay text, in elements and in quoted attributes.
    case html = "HONGYAN_HTML"

    /// The line that tells Mustache; it is the template's first.
    var pragma: String { "{{% CONTENT_TYPE: \(rawValue)}}\n" }

    /// Mustache keeps content types in one table for the whole process.
    static let areRegistered: Bool = {
        MustacheContentTypes.register(MarkdownValue(), named: markdown.rawValue)
        MustacheContentTypes.register(HeaderValue(), named: header.rawValue)
        MustacheContentTypes.register(HTMLValue(), named: html.rawValue)
        return true
    }()
}

/// Escapes what CommonMark would read as markup (spec 0.31, 2.4: any ASCII punctuation may stand behind a backslash). A line break becomes
/// a hard one; no line begins with something that opens a block.
struct MarkdownValue: MustacheContentType {
    func escapeText(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count + 8)
        var mayOpenBlock = true  // nothing but digits so far on this line
        var pendingSpace = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\u{2028}", "\u{2029}", "\u{85}":
                if !escaped.isEmpty, !escaped.hasSuffix("\\\n") { escaped += "\\\n" }
                (mayOpenBlock, pendingSpace) = (true, false)
                continue
            case " ", "\t", "\r", "\u{0}"..."\u{1F}", "\u{7F}":
                pendingSpace = true
                continue
            default: break
            }
            if pendingSpace {
                if !escaped.isEmpty, !escaped.hasSuffix("\n") { escaped += " " }
                (pendingSpace, mayOpenBlock) = (false, escaped.isEmpty || escaped.hasSuffix("\n"))
            }
            if Self.isMarkup(scalar) || (mayOpenBlock && Self.opensBlock(scalar)) { escaped += "\\" }
            escaped.unicodeScalars.append(scalar)
            mayOpenBlock = mayOpenBlock && ("0"..."9").contains(scalar)
        }
        while escaped.hasSuffix("\\\n") { escaped.removeLast(2) }
        return escaped
    }

    private static func isMarkup(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\\", "`", "*", "_", "[", "]", "(", ")", "<", ">", "&", "\"", "!": true
        default: false
        }
    }

    private static func opensBlock(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "#", "+", "-", "=", "~", ".", ":", "|": true
        default: false
        }
    }
}

/// Keeps a value on one line: a line break would begin a header field of somebody else's choosing.
struct HeaderValue: MustacheContentType {
    func escapeText(_ text: String) -> String { Self.oneLine(text) }

    static func oneLine(_ text: String) -> String {
        var line = ""
        var pendingSpace = false
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\u{0}"..." ", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}": pendingSpace = true
            default:
                if pendingSpace, !line.isEmpty { line += " " }
                pendingSpace = false
                line.unicodeScalars.append(scalar)
            }
        }
        return line
    }
}

/// Escapes scalar by scalar. Mustache's own HTML goes by `Character`, to which a quote before a combining mark is another character: it
/// would pass, and end the attribute it stands in.
struct HTMLValue: MustacheContentType {
    func escapeText(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
