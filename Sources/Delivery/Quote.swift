import Domain
import Formats

/// The message an answer quotes below its own words.
struct Quote: Sendable {
    static let textBytesMax = 64 << 10
    /// Longer HTML is quoted as its text.
    static let htmlBytesMax = 256 << 10

    var author: String
    var at: Timestamp
    var text: String
    /// Made safe; nil when there was none, or too much of it.
    var html: String?

    init(_ message: Interaction) {
        author = HeaderValue.oneLine(message.author.displayName)
        at = message.occurredAt
        text = message.body
        html = message.html.flatMap { html in
            guard html.utf8.count <= Self.htmlBytesMax else { return nil }
            // What was remote stays out: a counting pixel would tell its maker whom we write to.
            let safe = HTMLText.sanitised(html, remoteImages: false)
            return safe.utf8.count <= Self.htmlBytesMax ? safe : nil
        }
    }

    func below(text words: String, _ frame: LayoutWords) -> String {
        words + "\n\n" + frame.wrote(author, date(frame)) + "\n" + QuotedText.text(text, bytesMax: Self.textBytesMax) + "\n"
    }

    func below(html words: String, _ frame: LayoutWords) -> String {
        let above = HTMLValue().escapeText(frame.wrote(author, date(frame)))
        let quoted = html ?? "<p>\(QuotedText.html(text, bytesMax: Self.textBytesMax))</p>"
        return words + "\n<p>\(above)</p>\n<blockquote type=\"cite\">\n\(quoted)\n</blockquote>\n"
    }

    /// Whether the quotation shows this file.
    func shows(_ file: Attachment) -> Bool {
        guard let id = file.contentID, let html else { return false }
        return html.contains("cid:\(id)")
    }

    /// In UTC: nobody knows the zone of everybody who reads it.
    private func date(_ frame: LayoutWords) -> String {
        let days = Int((Double(at.seconds) / 86_400).rounded(.down))
        let date = CivilDate(daysSince1970: days)
        let minute = (Int(at.seconds) - days * 86_400) / 60
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return frame.date(date, "\(two(minute / 60)):\(two(minute % 60)) UTC")
    }
}
