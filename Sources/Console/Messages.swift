import Desk
import Domain
import Formats
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Store

// One message by itself: its page when no ticket holds it, its HTML in a frame that can do nothing, its text, its files.
extension Site {
    /// Inline images are put into the frame's document itself, because a sandboxed document may not send our cookie for them.
    static let inlineBytesMax = 8 << 20
    private static let inlineTypes: Set<String> = ["image/png", "image/jpeg", "image/gif", "image/webp"]

    private func message(_ visit: Visit) async throws -> Interaction {
        guard let id = visit.parameters.get("id").flatMap({ ID<Interaction>($0) }),
            let message = try await store.read({ try $0.interactions.get(id) })
        else { throw Refusal(.notFound, "404") }
        return message
    }

    /// A message without a ticket, with what was decided about it; one with a ticket leads there.
    @Sendable func messagePage(_ request: Request, _ visit: Visit) async throws -> Response {
        let message = try await message(visit)
        if let ticket = message.ticket, let number = try await store.read({ try $0.tickets.get(ticket)?.number }) {
            return .seeOther("/tickets/\(number)#m\(message.id)")
        }
        let reasons = try await store.read { try $0.reasons.about(.interaction, message.id.rawValue) }
        let words = words(visit)
        let time = TimeText(words: words, now: store.time.now())
        let shown = MessageText.shown(message.words, mood: nil)
        var model: Model = [
            "who": message.author.displayName, "initials": initials(message.author.displayName), "account": message.account,
            "email": message.author.email ?? "", "nature": words["nature_\(message.nature.rawValue)"], "body": shown.html,
            "textURL": "/messages/\(message.id)/text", "isCut": shown.isCut, "number": "",
        ]
        model["subject"] = message.subject.trimmed.isEmpty ? words["no_subject"] : message.subject
        model["seals"] = Self.seals(message, words)
        if message.cut != nil { model["cutURL"] = "/messages/\(message.id)/fetch" }
        model["when"] = time.model(message.occurredAt)
        model.merge(Self.setApart(message, words)) { _, apart in apart }
        if message.html != nil {
            model["htmlURL"] = "/messages/\(message.id)/html"
            model["frame"] = "frame-\(message.id)"
        }
        model["why"] = reasons.map { reason in
            [
                "decision": words.has("decision_\(reason.decision)") ? words["decision_\(reason.decision)"] : reason.decision,
                "text": words.said(reason.text), "when": time.stamp(reason.at),
            ] as Model
        }
        return page("message", visit, title: message.subject.trimmed.isEmpty ? words["no_subject"] : message.subject, model)
    }

    /// What is known of a mail's signature and encryption, as chips.
    static func seals(_ message: Interaction, _ words: Vocabulary) -> [Model] {
        message.seals.map { seal in
            let (state, tone, who) =
                switch seal.finding {
                case .unopened: ("unopened", "", "")
                case .good(let by): ("good", "good", by)
                case .unsure(let by): ("unsure", "", by)
                case .bad(let why): ("bad", "bad", why)
                }
            return [
                "text": words["seal_\(seal.kind.rawValue)_\(state)"], "tone": tone,
                "title": who.isEmpty ? seal.system.rawValue : "\(seal.system.rawValue) · \(who)",
            ]
        }
    }

    /// Asks for the rest of a mail of which only the first part was taken.
    @Sendable func postFetch(_ request: Request, _ visit: Visit) async throws -> Response {
        _ = try await agentForm(request, visit)
        let message = try await message(visit)
        _ = try await store.write { try $0.spool.want(message.account, externalID: message.externalID) }
        return .seeOther("/messages/\(message.id)")
    }

    /// The sanitised HTML as a document of its own: no scripts, no forms, no requests anywhere, unless the agent asks for remote images.
    @Sendable func messageHTML(_ request: Request, _ visit: Visit) async throws -> Response {
        let message = try await message(visit)
        guard let html = message.html else { throw Refusal(.notFound, "404") }
        let withImages = request.query("images") == "1"
        let safe = try await inlined(Self.drawn(html, message, words(visit), remoteImages: withImages), message)
        let document = """
            <!doctype html><html lang="\(visit.tongue.tag)"><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">\
            <meta name="viewport" content="width=device-width"><style>body{margin:12px;font:14px/1.5 system-ui,sans-serif;color:#1b1f24;\
            background:#fff;overflow-wrap:anywhere}img{max-width:100%;height:auto}details{margin-top:12px;border-top:1px solid #e3e5e8;\
            padding-top:8px}summary{color:#5b6470;font-size:12px;cursor:pointer;width:fit-content}</style></head><body>\(safe)</body></html>
            """
        var response = Response.html(document)
        let images = withImages ? "data: https: http:" : "data:"
        response.headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src 'unsafe-inline'; img-src \(images); base-uri 'none'; form-action 'none'; "
            + "frame-ancestors 'self'; sandbox"
        response.headers[.cacheControl] = "private, max-age=300"
        return response
    }

    /// The message's HTML made safe; where its text was taken apart, so is this. `<details>` needs no script.
    private static func drawn(_ html: String, _ message: Interaction, _ words: Vocabulary, remoteImages: Bool) -> String {
        let whole = { HTMLText.sanitised(html, remoteImages: remoteImages) }
        guard message.newWords != nil else { return whole() }
        let split = ReplySplitter.split(html: html, isForward: ReplySplitter.isForwardSubject(message.subject))
        guard !split.isWhole else { return whole() }
        let rest =
            HTMLText.sanitised(split.signature, remoteImages: remoteImages) + HTMLText.sanitised(split.quoted, remoteImages: remoteImages)
        let (quoted, signature) = (split.text.quoted, split.text.signature)
        let lines = quoted.utf8.split(separator: 0x0A).count + signature.utf8.split(separator: 0x0A).count
        let summary = SafeHTML.escape(words.fold(quoted: !quoted.isEmpty, signature: !signature.isEmpty, lines: lines))
        return HTMLText.sanitised(split.newWords, remoteImages: remoteImages) + "<details><summary>\(summary)</summary>\(rest)</details>"
    }

    /// Takes back what was set apart: somebody saw that it was cut wrongly.
    @Sendable func postWhole(_ request: Request, _ visit: Visit) async throws -> Response {
        let (session, form) = try await agentForm(request, visit)
        guard let id = visit.parameters.get("id").flatMap({ ID<Interaction>($0) }) else { throw Refusal(.notFound, "404") }
        let desk = desk
        let number = try await store.write { transaction -> Int64? in
            guard let message = try transaction.interactions.get(id) else { throw Refusal(.notFound, "404") }
            _ = try desk.makeWhole(transaction, message: id, agent: session.agent)
            return try message.ticket.flatMap { try transaction.tickets.get($0)?.number }
        }
        guard let number else { return .seeOther("/messages/\(id)") }
        let list = form["list"] ?? ""
        return .seeOther(localPath("/tickets/\(number)\(list.hasPrefix("?") ? list : "")") + "#m\(id)")
    }

    /// Puts the message's own images where its HTML says `cid:`.
    private func inlined(_ html: String, _ message: Interaction) async throws -> String {
        var html = html
        var left = Self.inlineBytesMax
        for file in message.attachments {
            guard let id = file.contentID, Self.inlineTypes.contains(file.type), file.sizeBytes <= left, html.contains("cid:\(id)") else {
                continue
            }
            left -= file.sizeBytes
            let bytes = try await store.blobs.get(file.hash)
            html = html.replacing("\"cid:\(id)\"", with: "\"data:\(file.type);base64,\(Data(bytes).base64EncodedString())\"")
        }
        return html
    }

    @Sendable func messageText(_ request: Request, _ visit: Visit) async throws -> Response {
        .text(try await message(visit).body)
    }

    /// Always a download: what a stranger sent is never shown as a page of ours.
    @Sendable func attachment(_ request: Request, _ visit: Visit) async throws -> Response {
        let message = try await message(visit)
        guard let index = visit.parameters.get("index").flatMap({ Int($0) }), message.attachments.indices.contains(index) else {
            throw Refusal(.notFound, "404")
        }
        let file = message.attachments[index]
        let bytes = try await store.blobs.get(file.hash)
        return .download(bytes, name: file.name.isEmpty ? "file" : file.name)
    }
}

extension Response {
    static func download(_ bytes: [UInt8], name: String) -> Response {
        let plain = String(decoding: name.utf8.map { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C ? $0 : 0x5F }, as: UTF8.self)
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/octet-stream", .cacheControl: "private, no-store",
                .contentDisposition: "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(percentEncoded(name))",
                .contentSecurityPolicy: "default-src 'none'; sandbox",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
