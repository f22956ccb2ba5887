// One string literal a table: big collection literals slow the compiler down. Everything is folded: lower case, one blank, ASCII colons.
extension ReplyWords {
    static let openerTable = """
        on |at |am |le |el |il |em |op |den |på |pe |po |dne |dňa |dnia |w dniu |in data |în data |la data |vào |pada |στις |kl |vom
        в |у |dana |o dia |no dia |le message de
        在|于|於|בתאריך|ב-|في|به|วันที่|เมื่อ
        """

    static let verbTable = """
        wrote|writes|sent|said|replied|a wrote|you wrote
        schrieb|hat geschrieben|schreibt|geschrieben
        a écrit|a ecrit|écrit|écrivait
        escribió|escribio|escribe|ha escrito|va escriure
        ha scritto|scrisse|ha inviato
        escreveu|escreve|enviou
        schreef|geschreven|heeft geschreven
        skrev|skreiv|har skrevet|skriver
        kirjoitti|lähetti
        napisał|napisał(a)|napisała|pisze
        написал|написала|написал(а)|пишет|писал|писала|пише|написав|написала|написа
        napsal|napsala|napsal(a)|napísal|napísal(a)|napísala|je napisao|je napisala|je napisal
        ezt írta|írta|a scris|έγραψε|yazdı|şunu yazdı|kirjutas|rašė|rakstīja
        đã viết|menulis|เขียน|כתב|כתבה|كتب|كتبت|نوشت
        写道|寫道|写了|撰写|写信说|來信|来信|のメール|書きました|は書きました|さんは書きました|작성|님이 작성|씀
        """

    static let originalTitleTable = """
        original message|original email|original mail|original e-mail|original appointment|reply message|replied message|original
        ursprüngliche nachricht|ursprungliche nachricht|ursprüngliche mail|originalnachricht|original-nachricht|antwort nachricht
        message d'origine|message original|message initial|mail original|courriel original
        mensaje original|mensagem original|mensaje enviado|missatge original
        messaggio originale|messaggio original|messaggio di origine
        oorspronkelijk bericht|origineel bericht|originele bericht|oorspronkelijke bericht
        oprindelig meddelelse|oprindelig besked|original besked|den oprindelige meddelelse
        opprinnelig melding|original melding|originalmeddelande|ursprungligt meddelande|ursprungligt mejl
        alkuperäinen viesti|oryginalna wiadomość|wiadomość oryginalna|wiadomość oryginalna|treść oryginalnej wiadomości
        исходное сообщение|оригинальное сообщение|пересылаемое сообщение от|вихідне повідомлення|оригінальне повідомлення
        původní zpráva|pôvodná správa|izvirno sporočilo|izvorna poruka|originalna poruka|eredeti üzenet|mesaj original|mesajul original
        αρχικό μήνυμα|orijinal mesaj|özgün ileti|orijinal ileti|algne kiri|originali žinutė|pirmais ziņojums
        tin nhắn gốc|thư gốc|pesan asli|mesej asal|ข้อความต้นฉบับ|הודעה מקורית|الرسالة الأصلية|رسالة أصلية|پیام اصلی
        原始邮件|原始郵件|原邮件|原郵件|邮件原件|邮件原文|原始信件|原始訊息|原始消息|回复的原邮件|回覆的原郵件|历史邮件|回复的邮件
        元のメッセージ|元のメール|原文|원본 메시지|원본 메일|원본메일|원본 이메일|original message follows
        """

    static let forwardTitleTable = """
        forwarded message|forwarded email|forwarded mail|forwarded by|forwarded letter|begin forwarded message|start of forwarded message
        weitergeleitete nachricht|weitergeleitete mail|weitergeleitet von|message transféré|message réexpédié|courriel transféré
        mensaje reenviado|mensagem encaminhada|mensagem reencaminhada|messaggio inoltrato|missatge reenviat
        doorgestuurd bericht|videresendt meddelelse|videresendt besked|videresendt melding|vidarebefordrat meddelande
        vidarebefordrat mejl|välitetty viesti|edelleenlähetetty viesti|przekazana wiadomość|wiadomość przekazana
        пересылаемое сообщение|пересланное сообщение|переслане повідомлення|переадресоване повідомлення
        přeposlaná zpráva|preposlaná správa|posredovano sporočilo|proslijeđena poruka|továbbított üzenet|mesaj redirecționat
        προωθημένο μήνυμα|iletilmiş mesaj|yönlendirilen ileti|edastatud kiri|persiųstas laiškas
        thư đã chuyển tiếp|tin nhắn được chuyển tiếp|pesan terusan|mesej dimajukan|ข้อความที่ส่งต่อ|הודעה שהועברה|رسالة معاد توجيهها
        转发邮件|转发的邮件|转发邮件信息|转发信息|轉寄郵件|轉寄的郵件|轉寄訊息|轉發郵件|转发消息
        転送メッセージ|転送されたメッセージ|전달된 메시지|전달된 메일|전달된 이메일
        """

    static let forwardLineTable = """
        begin forwarded message:|start of forwarded message:|begin doorgestuurd bericht:|anfang der weitergeleiteten nachricht:
        début du message transféré :|début du message réexpédié :|inicio del mensaje reenviado:|início da mensagem reencaminhada:
        início da mensagem encaminhada:|inizio messaggio inoltrato:|start på videresendt besked:|start på videresendt meddelelse:
        vidarebefordrat brev:|välitetty viesti alkaa:|początek przekazanej wiadomości:|начало переадресованного сообщения:
        начало пересылаемого сообщения:|開始轉寄郵件:|下面是被转发的邮件:|以下是轉寄的郵件:|以下は転送されたメッセージです:|아래는 전달된 메시지입니다:
        """

    static let forwardMarkTable = """
        fwd|fw|wg|tr|rv|enc|doorst|vb|pd|ilt|vs|转发|轉寄|轉發|転送|전달
        """

    static let labelTable = """
        from=from|von|de|da|fra|från|van|od|от|від|lähettäjä|kimden|gönderen|από|mittente|expéditeur|remitente|feladó|expeditor|absender
        from=remetente|saatja|nuo|no|sender|从|发件人|發件人|寄件者|寄件人|发信人|發信人|差出人|送信者|보낸 사람|보낸사람|발신
        from=người gửi|từ|dari|จาก|מאת|من|از|message from|afzender|avsändare|avsender|afsender|nadawca|отправитель|відправник|odesílatel
        from=odosielateľ|pošiljatelj|pošiljalac|šalje|från|ka
        sent=sent|gesendet|envoyé|envoyé le|enviado|enviado el|enviada|enviada em|enviado em|enviado a las|inviato|inviata|verzonden
        sent=skickat|sendt|lähetetty|wysłano|wysłane|wysłana|отправлено|отправлен|надіслано|відправлено|odesláno|odoslané|poslano|poslato
        sent=gönderildi|gönderme tarihi|gönderilme tarihi|发送时间|發送時間|发送日期|發送日期|寄件日期|傳送時間|傳送日期|送信日時|送信日
        sent=보낸 날짜|보낸날짜|보낸 시간|날짜/시간|elküldve|trimis|đã gửi|gửi|dikirim|terkirim|αποστολή|στάλθηκε|saadetud|išsiųsta
        sent=תאריך שליחה|נשלח|تاريخ الإرسال|ส่ง|date d'envoi|data invio|nosūtīts|发件时间|发信时间|date sent|sent on|gesendet am
        date=date|datum|fecha|data|dato|päivämäärä|päiväys|дата|tarih|日期|时间|時間|日時|日付|날짜|dátum|ngày|tanggal|ημερομηνία
        date=message du|datums|kuupäev|תאריך|التاريخ|วันที่|date du message|when|messaggio del
        to=to|an|à|a|para|til|till|aan|do|кому|komu|kime|vastaanottaja|收件人|收件者|收信人|宛先|받는 사람|받는사람|수신|címzett|către
        to=đến|tới|kepada|ke|προς|pour|per|alıcı|za|prima|kam|kellele|kam|אל|إلى|ถึง|empfänger|destinataire|destinatario|mottaker|modtager
        cc=cc|kopie|copie|copie à|kopi|kopia|копия|копія|抄送|副本|참조|másolat|c.c.|cópia|copia|kópia|kópie|bilgi|κοιν.|cc:|עותק|نسخة|สำเนา
        cc=bcc|密送|副本抄送|cci|cco|ccn
        subject=subject|betreff|objet|asunto|oggetto|assunto|onderwerp|emne|ämne|aihe|temat|тема|předmět|predmet|konu|主题|主題|主旨|件名|제목
        subject=tárgy|subiect|chủ đề|tiêu đề|perihal|θέμα|subjek|assumpte|zadeva|naslov|teema|tema|temats|נושא|الموضوع|เรื่อง|sujet
        subject=betrifft
        other=reply-to|importance|wichtigkeit|priority|attachments|anlagen|附件|回复|重要性|优先级|sensitivity|on behalf of|mailed-by
        """

    static let mailOnlyLabelTable = """
        发件人|發件人|寄件者|寄件人|发信人|差出人|送信者|보낸 사람|보낸사람|收件人|收件者|收信人|宛先|받는 사람|받는사람|发送时间|發送時間|寄件日期|傳送時間
        发送日期|發送日期|送信日時|보낸 날짜|sent|gesendet|envoyé|envoyé le|verzonden|skickat|wysłano|wysłane|отправлено|lähetetty|odesláno
        inviato|enviado el|enviada em|enviado em|gönderildi|gönderme tarihi|message du|betreff|rcpt to|发件时间|дата
        """

    static let closingTable = """
        regards|best regards|kind regards|warm regards|warmest regards|many regards|best|all the best|best wishes|with best regards
        kindest regards
        with kind regards|sincerely|yours sincerely|yours faithfully|yours truly|sincerely yours|yours|cheers|respectfully|cordially
        rgds|br|kr
        thanks and regards|thanks & regards|thank you and best regards|take care|warmly|good regards|with regards|thanks and best regards
        mit freundlichen grüßen|mit freundlichen grüssen|freundliche grüße|freundliche grüsse|viele grüße|viele grüsse|liebe grüße
        beste grüße|herzliche grüße|schöne grüße|mit besten grüßen|mit freundlichem gruß|gruß|gruss|grüße|lg|mfg|vg|hochachtungsvoll
        cordialement|bien cordialement|bien à vous|salutations|sincères salutations|meilleures salutations|amicalement|cdlt|bàv
        saludos|un saludo|saludos cordiales|atentamente|cordialmente|atenciosamente|atte|cumprimentos|melhores cumprimentos|abraços|abs
        cordiali saluti|distinti saluti|saluti|un saluto|buona giornata|met vriendelijke groet|met vriendelijke groeten|vriendelijke groet
        groeten|groetjes|mvg|med venlig hilsen|venlig hilsen|mvh|med vänlig hälsning|vänliga hälsningar|hälsningar|med vennlig hilsen
        hilsen|vennlig hilsen|ystävällisin terveisin|terveisin|pozdrawiam|z poważaniem|с уважением|з повагою|s pozdravem|s pozdravom
        üdvözlettel|cu stimă|cu respect|saygılarımla|saygılar|iyi çalışmalar|με εκτίμηση|trân trọng|hormat saya|salam
        此致|敬礼|此致敬礼|此致 敬礼|敬禮|祝好|祝商祺|顺祝商祺|順頌商祺|顺颂商祺|商祺|此致敬禮|祝您生活愉快|祝生活愉快|敬上|谨启|以上|よろしくお願いします|宜しくお願いします
        よろしくお願いいたします|以上、よろしくお願いします|敬具|감사합니다|드림
        """

    static let weakClosingTable = """
        thanks|thank you|many thanks|thanks a lot|thanks so much|thank you very much|thanks again|thanks in advance
        thank you in advance|thx|ty|tks
        danke|vielen dank|danke schön|besten dank|merci|merci d'avance|merci beaucoup|gracias|muchas gracias|grazie|grazie mille
        obrigado|obrigada
        bedankt|dank je|alvast bedankt|tak|mange tak|tack|tack så mycket|takk|kiitos|dziękuję|dzięki|спасибо|дякую|děkuji|ďakujem|köszönöm
        mulțumesc|teşekkürler|teşekkür ederim|ευχαριστώ|cảm ơn|terima kasih|谢谢|谢谢您|多谢|谢了|謝謝|多謝|感谢|非常感谢|ありがとうございます
        """

    static let sentFromTable = """
        sent from|sent via|sent with|sent using|sent by|sent wirelessly|sent on the go|get outlook for|get bluemail|download outlook
        sent through|posted from|written on|typed on|composed on|via mobile|sent on my|sent in transit
        gesendet von|gesendet mit|gesendet über|von meinem|diese nachricht wurde von meinem|gesendet aus|verschickt von
        holen sie sich outlook
        outlook für|laden sie outlook|envoyé de|envoyé depuis|envoyé à partir|envoyé avec|envoyé via|envoyé sans fil|téléchargez outlook
        obtenir outlook|obtenez outlook|enviado desde|enviado do|enviado de|enviado a partir|enviado com|enviado pelo|enviado con
        enviado vía
        enviado via|obtener outlook|obter outlook|descargar outlook|inviato da|inviato dal|inviato con|inviata da|inviato tramite
        scarica outlook
        ottieni outlook|verzonden vanaf|verzonden met|verzonden via|verstuurd vanaf|verstuurd met|verzonden vanuit|outlook voor
        download outlook
        sendt fra|sendt via|sendt med|hent outlook|få outlook|skickat från|skickat med|skickades från|hämta outlook|lähetetty
        hanki outlook
        wysłane z|wysłano z|wysłane przy użyciu|pobierz outlook|отправлено с|отправлено из|отправлено от|отправлено через|надіслано з
        скачать outlook|odesláno z|odoslané z|poslano z|poslato sa|elküldve|trimis de pe|trimis din|gönderen:|στάλθηκε από|saadetud
        đã gửi từ|được gửi từ|dikirim dari|ส่งจาก|נשלח מ|أرسلت من|أُرسلت من
        发自|發自|来自我的|來自我的|来自 qq|来自qq|由 qq|发送自|傳送自|從我的|从我的|寄自|获取 outlook|取得 outlook|获取适用于|来自网易|来自 网易
        从 outlook|从outlook|由网易|发件自|用手机发送|本邮件由|out of outlook
        """

    static let deviceTable = """
        iphone|ipad|ipod|ios|android|blackberry|samsung|galaxy|phone|mobile|outlook|mail|huawei|xiaomi|redmi|oppo|vivo|honor|nokia|htc
        lg |sony
        tablet|windows|handy|smartphone|device|yahoo|gmail|proton|zoho|spark|airmail|thunderbird|nexus|pixel|oneplus|motorola|lumia
        watch|mac
        mobil|teléfono|celular|telefon|téléphone|terminal|телефон|handset|gerät|desktop|app|手机|手機|小米|华为|華為|荣耀|邮箱|郵箱|信箱|平板|邮件|電郵
        """

    static let sentFromEndTable = """
        から送信|より送信|からの送信|에서 보냄|에서 보냈습니다|kullanılarak gönderildi|gönderildi|telefonumdan gönderildi|发送|傳送|發送|發出|发出
        gesendet|verzonden|verstuurd|inviata|küldve|lähetetty|נשלח|gesendet.
        """

    static let legalStartTable = """
        confidential|confidentiality|disclaimer|this e-mail|this email|this message|this communication|this transmission
        the information|the content
        important notice|important:|notice:|privileged|legal notice|please consider the environment|before printing
        think before you print|note:
        any views|unless otherwise|registered office|internet communications|e-mail disclaimer|email disclaimer|attention:|caution:
        warning:
        this mail|the contents of|this electronic|information in this|information contained|ce message|ce courriel|cet e-mail|cet email
        avis de confidentialité|les informations contenues|diese e-mail|diese nachricht|diese mail|der inhalt dieser|vertraulich
        rechtlicher hinweis
        wichtiger hinweis|este mensaje|este correo|aviso legal|aviso de confidencialidad|la información contenida|esta mensagem
        este e-mail
        este email|aviso de confidencialidade|questo messaggio|questa e-mail|le informazioni contenute|avviso di riservatezza|ai sensi
        dit bericht|deze e-mail|de informatie|denne e-mail|denne mail|denna e-post|denne e-posten|detta meddelande|niniejsza wiadomość
        ta wiadomość|treść tej|данное сообщение|настоящее сообщение|это сообщение|эта информация|tento e-mail|táto správa|ez az e-mail
        acest mesaj|acest e-mail|bu e-posta|bu mesaj|bu ileti|thông tin|email này|virenfrei|virus-free|libre de virus|garanti sans virus
        diese e-mail wurde|this email has been|l'absence de virus|bez wirusów|mentes a|privo di virus|本邮件|此邮件|本电子邮件|这封邮件|本郵件|此郵件|本電子郵件
        此电子邮件|保密声明|保密提示|声明:|免责声明|免責聲明|机密提示|本メール|このメール|このメッセージ|본 메일|본 메일은|이 메일
        """

    static let legalWordTable = """
        confidential|privileged|intended|recipient|disclaimer|environment|printing|virus|avast|liab|unauthori|strictly|vertraulich
        empfänger|bestimmt
        confidentiel|destinat|riservat|confidenc|confidential|vertrouwelijk|geadresseerde|bestemd|fortrolig|konfidential|luottamuksell
        poufn
        конфиденциальн|получател|důvěrn|dôvern|bizalmas|gizli|bảo mật|保密|机密|機密|秘密|收件人|收件者|专用|免责|免責|機密情報|秘密情報|기밀|수신인
        registered in|company number|viren|wirus|prohibited|not constitute
        """

    static let listWordTable = """
        mailing list|mailing-list|mailinglist|unsubscribe|google groups|you received this message because|to unsubscribe|listinfo|abmelden
        désabonner|darse de baja|disiscri|uitschrijven|afmelden|отписаться|退订|退訂|取消订阅|邮件列表|配信停止|you are receiving this because
        reply to this email directly|view it on github|groups.io|list-unsubscribe
        """
}
