import Testing

@testable import Formats

@Suite struct ReplySplitterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var new: String
        var signature = ""
        var testDescription: String { name }
    }

    @Test(
        "the attribution of the quoted mail is recognised in many languages",
        arguments: [
            "On Mon, Jun 3, 2024 at 10:00 AM Ann Lee <ann@example.org> wrote:",
            "On 3 Jun 2024, at 10:00, Ann Lee wrote:",
            "Am 03.06.2024 um 10:00 schrieb Ann Lee <ann@example.org>:",
            "Am Mo., 3. Juni 2024 um 10:00 Uhr schrieb Ann Lee <ann@example.org>:",
            "Le lun. 3 juin 2024 à 10:00, Ann Lee <ann@example.org> a écrit :",
            "El lun, 3 jun 2024 a las 10:00, Ann Lee (<ann@example.org>) escribió:",
            "Il giorno lun 3 giu 2024 alle ore 10:00 Ann Lee <ann@example.org> ha scritto:",
            "Em seg., 3 de jun. de 2024 às 10:00, Ann Lee <ann@example.org> escreveu:",
            "Op ma 3 jun 2024 om 10:00 schreef Ann Lee <ann@example.org>:",
            "Den mån 3 juni 2024 kl 10:00 skrev Ann Lee <ann@example.org>:",
            "man. 3. jun. 2024 kl. 10.00 skrev Ann Lee <ann@example.org>:",
            "ma 3. kesäk. 2024 klo 10.00 Ann Lee (ann@example.org) kirjoitti:",
            "pon., 3 cze 2024 o 10:00 Ann Lee <ann@example.org> napisał(a):",
            "po 3. 6. 2024 v 10:00 odesílatel Ann Lee <ann@example.org> napsal:",
            "пн, 3 июн. 2024 г. в 10:00, Ann Lee <ann@example.org>:",
            "пн, 3 черв. 2024 р. о 10:00 Ann Lee <ann@example.org> пише:",
            "Ann Lee <ann@example.org> ezt írta (időpont: 2024. jún. 3., H, 10:00):",
            "În lun., 3 iun. 2024 la 10:00, Ann Lee <ann@example.org> a scris:",
            "Στις Δευ 3 Ιουν 2024 στις 10:00 π.μ., ο χρήστης Ann Lee <ann@example.org> έγραψε:",
            "Ann Lee <ann@example.org>, 3 Haz 2024 Pzt, 10:00 tarihinde şunu yazdı:",
            "Vào Th 2, 3 thg 6, 2024 vào lúc 10:00 Ann Lee <ann@example.org> đã viết:",
            "Pada tanggal Sen, 3 Jun 2024 pukul 10.00 Ann Lee <ann@example.org> menulis:",
            "ในวันที่ จ. 3 มิ.ย. 2024 เวลา 10:00 Ann Lee <ann@example.org> เขียนว่า:",
            "‫בתאריך יום ב׳, 3 ביוני 2024 ב-10:00 מאת ‪Ann Lee‬‏ <‪ann@example.org‬‏>:",
            "في الاثنين، 3 يونيو 2024 في 10:00 ص تمت كتابة ما يلي بواسطة ‪Ann Lee‬‏ <‪ann@example.org‬‏>:",
            "在 2024年6月3日星期一，安妮 <ann@example.org> 写道：",
            "于2024年6月3日周一 10:00写道：",
            "在 2024-06-03 10:00:00，\"安妮\" <ann@example.org> 写道：",
            "Ann Lee <ann@example.org> 於 2024年6月3日 週一 上午10:00寫道：",
            "2024年6月3日(月) 10:00 Ann Lee <ann@example.org>:",
            "2024년 6월 3일 (월) 오전 10:00, 앤 <ann@example.org>님이 작성:",
            "At 2024-06-03 10:00:00, \"Ann Lee\" <ann@example.org> wrote:",
            "---- On Mon, 03 Jun 2024 10:00:00 +0200 Ann Lee <ann@example.org> wrote ----",
            "---- Ann Lee wrote ----",
        ])
    func attributions(line: String) {
        for quotation in ["Old words.\nMore of them.", "> Old words.\n> More of them.", "\n> Old words."] {
            let split = ReplySplitter.split(text: "New words.\n\n\(line)\n\(quotation)")
            #expect(split.newWords == "New words.")
            #expect(split.quoted.hasPrefix(line))
            #expect(split.reasons.count == 1)
        }
    }

    @Test(
        "the copied header of the mail below is recognised in many languages",
        arguments: [
            "From: Ann Lee <ann@example.org>\nSent: Monday, June 3, 2024 10:00 AM\nTo: Bob\nSubject: Lamp",
            "*From:* Ann Lee <ann@example.org>\n*Date:* Monday, June 3, 2024\n*To:* Bob",
            "Von: Ann Lee\nGesendet: Montag, 3. Juni 2024 10:00\nAn: Bob\nBetreff: Lampe",
            "De : Ann Lee\nEnvoyé : lundi 3 juin 2024 10:00\nÀ : Bob\nObjet : Lampe",
            "De: Ann Lee\nEnviado el: lunes, 3 de junio de 2024 10:00\nPara: Bob\nAsunto: Lámpara",
            "De: Ann Lee\nEnviada em: segunda-feira, 3 de junho de 2024 10:00\nPara: Bob\nAssunto: Lâmpada",
            "Da: Ann Lee\nInviato: lunedì 3 giugno 2024 10:00\nA: Bob\nOggetto: Lampada",
            "Van: Ann Lee\nVerzonden: maandag 3 juni 2024 10:00\nAan: Bob\nOnderwerp: Lamp",
            "Från: Ann Lee\nSkickat: den 3 juni 2024 10:00\nTill: Bob\nÄmne: Lampa",
            "Fra: Ann Lee\nSendt: 3. juni 2024 10:00\nTil: Bob\nEmne: Lampe",
            "Lähettäjä: Ann Lee\nLähetetty: maanantai 3. kesäkuuta 2024 10:00\nVastaanottaja: Bob\nAihe: Lamppu",
            "Od: Ann Lee\nWysłano: poniedziałek, 3 czerwca 2024 10:00\nDo: Bob\nTemat: Lampa",
            "От: Ann Lee\nОтправлено: 3 июня 2024 г. 10:00\nКому: Bob\nТема: Лампа",
            "Kimden: Ann Lee\nGönderildi: 3 Haziran 2024 Pazartesi 10:00\nKime: Bob\nKonu: Lamba",
            "发件人：安妮\n发送时间：2024年6月3日 10:00\n收件人：客服\n主题：灯",
            "发件人: 安妮 <ann@example.org>\n日期: 2024年6月3日 周一 10:00\n收件人: 客服\n主题: 灯",
            "寄件者: 安妮\n寄件日期: 2024年6月3日 10:00\n收件者: 客服\n主旨: 燈",
            "差出人: Ann\n送信日時: 2024年6月3日 10:00\n宛先: Bob\n件名: ランプ",
            "보낸 사람: 앤\n보낸 날짜: 2024년 6월 3일 10:00\n받는 사람: 밥\n제목: 램프",
        ])
    func headers(block: String) {
        for rule in [
            "", "________________________________\n", "-----Original Message-----\n", "------------------ 原始邮件 ------------------\n",
        ] {
            let split = ReplySplitter.split(text: "New words.\n\n\(rule)\(block)\n\nOld words.")
            #expect(split.newWords == "New words.")
            #expect(split.quoted == "\(rule)\(block)\n\nOld words.")
        }
    }

    @Test(
        "each part of a message goes where it belongs",
        arguments: [
            Case(
                name: "answers between the lines stay",
                text: "Hi Ann,\n\nOn 3 Jun 2024, Ann wrote:\n> One?\n\nYes.\n\n> Two?\n> Or three?\n\nTwo.\n\nBob",
                new: "Hi Ann,\n\nYes.\n\nTwo.\n\nBob"),
            Case(name: "an answer below stays", text: "On 3 Jun 2024, Ann wrote:\n> One?\n\nYes, one.", new: "Yes, one."),
            Case(
                name: "wrapped over two lines", text: "Yes.\n\nOn Mon, 3 Jun 2024 at 10:00, Ann <\nann@example.org> wrote:\n\nOld.",
                new: "Yes."),
            Case(
                name: "wrapped over four lines",
                text: """
                    Yes.\n\nOn Mon, 3 Jun 2024 at 10:00\nAnn Lee of the Lamp Department\n<ann@example.org>\nwrote:\n\nOld.
                    """, new: "Yes."),
            Case(
                name: "a program's prompt is no quotation", text: "I ran it:\n>>> print(1)\n1\nIs that right?",
                new: "I ran it:\n>>> print(1)\n1\nIs that right?"),
            Case(
                name: "prose with a date is no attribution", text: "On Monday at 10:00 I wrote to you.\nNothing came.",
                new: "On Monday at 10:00 I wrote to you.\nNothing came."),
            Case(
                name: "a form's labels are no header", text: "Booking\nFrom: Berlin\nTo: Paris\nDate: 3 June 2024",
                new: "Booking\nFrom: Berlin\nTo: Paris\nDate: 3 June 2024"),
            Case(
                name: "QQ on a phone",
                text: "收到，谢谢\n\n---Original---\nFrom: \"客服\"<care@example.com>\nDate: Mon, Jun 3, 2024 10:00 AM\n\n旧的", new: "收到，谢谢"),
            Case(
                name: "NetEase Master", text: "可以\n---- 回复的原邮件 ----\n| 发件人 | 客服<care@example.com> |\n| 日期 | 2024年06月03日 10:00 |\n旧的",
                new: "可以"),
            Case(
                name: "Aliyun",
                text:
                    """
                    可以\n------------------------------------------------------------------\n发件人：客服\n发送时间：2024年6月3日(星期一) 10:00\n\
                    收件人：安\n\n旧的
                    """,
                new: "可以"),
            Case(name: "the line of an answer is shared", text: "yes On Mon, 3 Jun 2024, at 10:00, Ann wrote:\n> One?", new: "yes"),
            Case(name: "nothing new: all is kept", text: "> only\n> quoted", new: "> only\n> quoted"),
            Case(
                name: "only history: all is kept", text: "On 3 Jun 2024, Ann wrote:\nOld words.",
                new: "On 3 Jun 2024, Ann wrote:\nOld words."),
            Case(name: "nothing", text: "", new: ""),
            Case(name: "CRLF", text: "Yes.\r\n\r\nOn 3 Jun 2024, Ann wrote:\r\n> One?\r\n", new: "Yes."),
            Case(
                name: "a forward's content is the message",
                text:
                    """
                    See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.org>\nSubject: Lamp\n\nOn 3 Ju\
                    n 2024, Bob wrote:\n> One?
                    """,
                new:
                    """
                    See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@example.org>\nSubject: Lamp\n\nOn 3 Ju\
                    n 2024, Bob wrote:\n> One?
                    """
            ),
            Case(
                name: "转发", text: "请看\n---------- 转发的邮件 ----------\n发件人：安妮\n发送时间：2024年\n\n正文",
                new: "请看\n---------- 转发的邮件 ----------\n发件人：安妮\n发送时间：2024年\n\n正文"),
        ])
    func parts(_ one: Case) {
        let split = ReplySplitter.split(text: one.text)
        #expect(split.newWords == one.new)
        #expect(split.isWhole == (one.text == one.new))
        #expect(split.reasons.isEmpty == split.isWhole)
    }

    @Test(
        "a signature is told from the words above it",
        arguments: [
            Case(
                name: "RFC 3676", text: "It broke.\n\n-- \nAnn Lee\nLamps Ltd, since 1901. We sell lamps.", new: "It broke.",
                signature: "-- \nAnn Lee\nLamps Ltd, since 1901. We sell lamps."),
            Case(name: "iPhone", text: "It broke.\n\nSent from my iPhone", new: "It broke.", signature: "Sent from my iPhone"),
            Case(
                name: "iPhone above history", text: "It broke.\n\nSent from my iPhone\n\nOn 3 Jun 2024, at 10:00, Ann wrote:\n> One?",
                new: "It broke.", signature: "Sent from my iPhone"),
            Case(name: "我的 iPhone", text: "坏了。\n\n发自我的 iPhone", new: "坏了。", signature: "发自我的 iPhone"),
            Case(name: "QQ邮箱", text: "坏了。\n来自 QQ邮箱 手机版", new: "坏了。", signature: "来自 QQ邮箱 手机版"),
            Case(name: "iPhoneから送信", text: "壊れました。\n\niPhoneから送信", new: "壊れました。", signature: "iPhoneから送信"),
            Case(
                name: "von meinem iPhone", text: "Kaputt.\n\nVon meinem iPhone gesendet", new: "Kaputt.",
                signature: "Von meinem iPhone gesendet"),
            Case(
                name: "Outlook für Android", text: "Kaputt.\n\nHolen Sie sich Outlook für Android", new: "Kaputt.",
                signature: "Holen Sie sich Outlook für Android"),
            Case(
                name: "closing and name", text: "It broke.\n\nKind regards,\nAnn Lee\n+49 30 1234567", new: "It broke.",
                signature: "Kind regards,\nAnn Lee\n+49 30 1234567"),
            Case(name: "closing with the name behind it", text: "It broke.\n\nRegards, Ann", new: "It broke.", signature: "Regards, Ann"),
            Case(
                name: "Grüße", text: "Sie ist kaputt.\n\nMit freundlichen Grüßen\n\nAnn Lee", new: "Sie ist kaputt.",
                signature: "Mit freundlichen Grüßen\n\nAnn Lee"),
            Case(name: "此致敬礼", text: "灯坏了，请处理。\n\n此致\n敬礼\n\n李安\n13800138000", new: "灯坏了，请处理。", signature: "此致\n敬礼\n\n李安\n13800138000"),
            Case(name: "thanks with a name", text: "It broke.\n\nThanks!\nAnn", new: "It broke.", signature: "Thanks!\nAnn"),
            Case(name: "thanks alone is said", text: "It works now.\n\nThanks!", new: "It works now.\n\nThanks!"),
            Case(name: "thanks with more to say", text: "Hi\nThanks\nwhen will it ship", new: "Hi\nThanks\nwhen will it ship"),
            Case(name: "regards in a sentence", text: "With regards to the lamp:\nit broke.", new: "With regards to the lamp:\nit broke."),
            Case(name: "a list is no signature", text: "I want:\n- a lamp\n- a shade", new: "I want:\n- a lamp\n- a shade"),
            Case(
                name: "sent from the desk", text: "Hello.\n\nSent from my desk, which is easier than my phone.",
                new: "Hello.\n\nSent from my desk, which is easier than my phone."),
            Case(name: "only a signature: all is kept", text: "Sent from my iPhone", new: "Sent from my iPhone"),
            Case(
                name: "legal footer",
                text:
                    """
                    It broke.\n\nAnn\n\n______\nThis e-mail and any attachments are confidential and intended\nsolely for the a\
                    ddressee.\n\nPlease consider the environment.
                    """,
                new: "It broke.\n\nAnn",
                signature:
                    """
                    ______\nThis e-mail and any attachments are confidential and intended\nsolely for the addressee.\n\nPlease \
                    consider the environment.
                    """
            ),
            Case(
                name: "保密声明", text: "坏了。\n\n本邮件及其附件含有保密信息，仅限于发送给上面地址中列出的个人或群组。", new: "坏了。", signature: "本邮件及其附件含有保密信息，仅限于发送给上面地址中列出的个人或群组。"
            ),
            Case(
                name: "mailing list",
                text: "It broke.\n\n_______________________________________________\nlamps mailing list\nlamps@example.org",
                new: "It broke.", signature: "_______________________________________________\nlamps mailing list\nlamps@example.org"),
            Case(
                name: "a drawn line in a text", text: "Order\n-----\nOne lamp, and I would like it soon.",
                new: "Order\n-----\nOne lamp, and I would like it soon."),
        ])
    func signatures(_ one: Case) {
        let split = ReplySplitter.split(text: one.text)
        #expect(split.newWords == one.new)
        #expect(split.signature == one.signature)
    }

    @Test("a subject's mark makes the copied mail the message", arguments: ["Fwd: Lamp", "FW: Lamp", "WG: Lampe", "转发：灯", "TR : Lampe"])
    func forwards(subject: String) {
        let text = "Please read.\n\nFrom: Ann <ann@example.org>\nSent: Monday\nTo: Bob\nSubject: Lamp\n\nIt broke."
        #expect(ReplySplitter.isForwardSubject(subject))
        #expect(ReplySplitter.split(text: text, isForward: true).newWords == text)
        #expect(ReplySplitter.split(text: text).newWords == "Please read.")
        #expect(!ReplySplitter.isForwardSubject("Re: \(subject)"))
    }

    @Test("new, quoted and signature together hold every line of the message", arguments: 1...12)
    func nothingLost(seed: Int) {
        var random = SplitMix(UInt64(seed))
        let blocks = [
            "It broke.", "", "> One?", ">> Two?", "On 3 Jun 2024, at 10:00, Ann <ann@example.org> wrote:", "-- ", "Ann Lee", "--",
            "Kind regards,",
            "Sent from my iPhone", "-----Original Message-----", "From: Ann <ann@example.org>", "Sent: Monday", "To: Bob", "Subject: Lamp",
            "________________", "This e-mail is confidential and intended for the addressee only.",
            "---------- Forwarded message ---------",
            "在 2024年6月3日，安妮 <ann@example.org> 写道：", "yes On Mon, 3 Jun 2024, at 10:00, Ann wrote:", "https://example.org/x", "发自我的 iPhone",
        ]
        for _ in 0..<100 {
            let lines = (0..<Int(random.next() % 16)).map { _ in blocks[Int(random.next() % UInt64(blocks.count))] }
            let text = lines.joined(separator: "\n")
            let split = ReplySplitter.split(text: text)
            let whole = split.pieces.map(\.text).joined(separator: "\n")
            // A line shared by an answer and an attribution is cut in two; all else comes back byte for byte.
            #expect(whole.filter { $0 != "\n" } == text.filter { $0 != "\n" })
            #expect(!split.newWords.isEmpty || text.allSatisfy(\.isWhitespace))
            #expect(ReplySplitter.split(text: split.newWords).newWords.isEmpty == split.newWords.isEmpty)
        }
    }

    struct SplitMix: RandomNumberGenerator {
        var state: UInt64
        init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test(
        "what was made to hurt is read in the end, and whole where it is no letter",
        arguments: [
            String(repeating: ">", count: 100_000), String(repeating: "> \n", count: 101_000), String(repeating: "On 2024 \n", count: 5000),
            String(repeating: "On 3 Jun 2024 a@b:c\n", count: 5000), String(repeating: "From: a@b\n\n", count: 5000),
            String(repeating: "-- \n", count: 5000), String(repeating: "Thanks,\n", count: 5000), String(repeating: "a", count: 9 << 20),
            String(repeating: "From:", count: 20_000), String(repeating: "\u{300}", count: 20_000),
            "a\n" + String(repeating: "<", count: 20_000) + "\n> b",
        ])
    func hostile(text: String) {
        #expect(!ReplySplitter.split(text: text).pieces.isEmpty)
    }
}
