"""Publishing on a Page: posts, photos, videos, Reels and stories, at once or scheduled (docs/graph-api.md §12)."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from meta_pipeline.sandbox.pages.posts import PagePosts, Post
from meta_pipeline.sandbox.protocol.errors import GraphApiError, unknown_object, unknown_path
from meta_pipeline.sandbox.protocol.requests import NodeCall
from meta_pipeline.sandbox.publishing.rules import DAY, PublishingOptions, flag, missing
from meta_pipeline.sandbox.publishing.shelf import PageStory, Shelf, within_a_day
from meta_pipeline.sandbox.publishing.uploads import PAGE_UPLOADS, Uploads
from meta_pipeline.sandbox.publishing.videos import Photo, Video

EDGES = ("feed", "photos", "videos", "video_reels", "photo_stories", "video_stories")
_KIND_OF_EDGE = {"videos": "video", "video_reels": "reel", "video_stories": "story"}


class PagePublishing:
    """Answers the writes on Pages."""

    def __init__(self, *, posts: PagePosts, shelf: Shelf, uploads: Uploads, options: PublishingOptions) -> None:
        self.posts, self.shelf, self.uploads, self.options = posts, shelf, uploads, options

    def publish(self, call: NodeCall, page_id: str) -> dict[str, Any]:
        """Return the answer to a POST on an edge of a Page, whose token and task were checked."""
        match call.edge:
            case "feed":
                return self._feed(call, page_id)
            case "photos":
                return self._photo(call, page_id)
            case "photo_stories":
                return self._photo_story(call, page_id)
            case "videos" | "video_reels" | "video_stories":
                return self._video(call, page_id)
        raise unknown_path(call.request.path)

    def _feed(self, call: NodeCall, page_id: str) -> dict[str, Any]:
        params = call.request.params
        media = [str(item.get("media_fbid", "")) for item in call.request.json_param("attached_media", []) or []]
        if not (params.get("message") or params.get("link") or media):
            raise missing("message")
        for photo_id in media:
            if photo_id not in self.shelf.photos or self.shelf.photos[photo_id].page_id != page_id:
                raise GraphApiError("(#100) Param attached_media[0] must be a photo of the Page", 100)
        if (link := params.get("link")) and not link.startswith(("http://", "https://")):
            raise GraphApiError("(#1609005) The link could not be posted", 1609005)
        kind = "photo" if media else "link" if params.get("link") else "status"
        return {"id": self._post(call, page_id, kind, params.get("message", "")).id}

    def _photo(self, call: NodeCall, page_id: str) -> dict[str, Any]:
        params, has_file = call.request.params, bool(call.request.files.get("source"))
        if not has_file:
            if not params.get("url"):
                raise missing("url")
            self.options.check_fetchable(params["url"])
        photo = Photo(id=self.shelf.photo_id(), page_id=page_id, url=params.get("url"), created_at=call.now)
        self.shelf.photos[photo.id] = photo
        if not flag(call, "published", default=True) and not params.get("scheduled_publish_time"):
            return {"id": photo.id}
        message = params.get("message") or params.get("caption") or ""
        return {"id": photo.id, "post_id": self._post(call, page_id, "photo", message).id}

    def _photo_story(self, call: NodeCall, page_id: str) -> dict[str, Any]:
        photo = self.shelf.photos.get(call.request.params.get("photo_id", ""))
        if photo is None or photo.page_id != page_id:
            raise missing("photo_id")
        story = PageStory(
            id=str(self._new_id(page_id)), page_id=page_id, media_id=photo.id, media_type="photo", created_at=call.now
        )
        self.shelf.stories.append(story)
        return {"success": True, "post_id": story.id}

    def _video(self, call: NodeCall, page_id: str) -> dict[str, Any]:
        params, kind = call.request.params, _KIND_OF_EDGE[call.edge]
        phase = params.get("upload_phase")
        if phase == "start":
            return self._start(call, page_id, kind)
        if phase == "finish":
            return self._finish(call, page_id, kind)
        if kind != "video" or phase is not None:
            raise GraphApiError("(#100) Param upload_phase must be one of {START, FINISH}", 100)
        if not call.request.files.get("source"):
            if not params.get("file_url"):
                raise missing("file_url")
            self.options.check_fetchable(params["file_url"])
        video = self._new_video(call, page_id, kind)
        video.upload.file_url = params.get("file_url") or "source"
        self._finish_video(call, video, params.get("description", ""))
        return {"id": video.id}

    def _start(self, call: NodeCall, page_id: str, kind: str) -> dict[str, Any]:
        video, request = self._new_video(call, page_id, kind), call.request
        if kind == "video":
            raise GraphApiError("(#100) Param upload_phase is not supported here", 100)
        return {
            "video_id": video.id, "upload_url": f"{request.base_url}/{PAGE_UPLOADS}/{request.version}/{video.id}",
        }

    def _finish(self, call: NodeCall, page_id: str, kind: str) -> dict[str, Any]:
        params = call.request.params
        video = self.shelf.videos.get(params.get("video_id", ""))
        if video is None or video.page_id != page_id or video.kind != kind:
            raise unknown_object(params.get("video_id", ""))
        if not video.upload.is_complete:
            raise GraphApiError("The video upload is not complete", 6000, subcode=1363030)
        if video.finished_at is not None:
            raise GraphApiError("(#100) The video was published before", 100, subcode=1363131)
        reels = self.shelf.reels.setdefault(page_id, [])
        if kind == "reel":
            if within_a_day(self.shelf.reels, page_id, call.now, call.now - DAY) >= self.options.reels_per_day:
                raise GraphApiError("(#9) The limit of Reels of the last 24 hours is reached", 9)
            reels.append(call.now)
        self._finish_video(call, video, params.get("description", ""))
        post_id = {"post_id": video.post.id} if video.post and kind == "story" else {}
        return {"success": True, **post_id}

    def _new_video(self, call: NodeCall, page_id: str, kind: str) -> Video:
        video_id = self.shelf.video_id()
        video = Video(
            id=video_id, page_id=page_id, kind=kind, created_at=call.now,
            upload=self.uploads.open(video_id, call.token.subject_id),
        )
        self.shelf.videos[video_id] = video
        return video

    def _finish_video(self, call: NodeCall, video: Video, description: str) -> None:
        video.description, video.is_ai_generated = description, flag(call, "is_ai_generated")
        video.finished_at = call.now
        video.ready_at = call.now + dt.timedelta(seconds=self.options.processing_s)
        video.fails = self.options.fails(description, video.upload.file_url or "")
        scheduled_at = self.options.scheduled_time(call)
        is_draft = call.request.params.get("video_state", "PUBLISHED") == "DRAFT"
        if video.fails or is_draft:
            return
        created_at = scheduled_at or video.ready_at
        if video.kind == "story":
            video.post = Post(
                id=self._new_id(video.page_id), page_id=video.page_id, kind="video", created_at=created_at, message=""
            )
            self.shelf.stories.append(PageStory(
                id=video.post.id, page_id=video.page_id, media_id=video.id, media_type="video", created_at=created_at
            ))
            return
        video.post = Post(
            id=self._new_id(video.page_id), page_id=video.page_id, kind="video", created_at=created_at,
            message=description, submitted_at=call.now,
        )
        self.posts.add(video.post)

    def _post(self, call: NodeCall, page_id: str, kind: str, message: str) -> Post:
        """Publish or schedule a post."""
        scheduled_at = self.options.scheduled_time(call)
        if scheduled_at is None and not flag(call, "published", default=True):
            scheduled_at = call.now + dt.timedelta(days=365)  # a draft, which is not published
        if scheduled_at is not None and flag(call, "published", default=True):
            raise GraphApiError("(#100) You must set published to false to schedule a post", 100, subcode=1366047)
        post = Post(
            id=self._new_id(page_id), page_id=page_id, kind=kind, created_at=scheduled_at or call.now, message=message,
            submitted_at=call.now,
        )
        self.posts.add(post)
        return post

    def _new_id(self, page_id: str) -> str:
        return f"{page_id}_{self.posts.new_number(self.shelf.number())}"

    def edit(self, call: NodeCall, post: Post) -> dict[str, Any]:
        """Return the answer to a POST on a post: it changes its message, or declares it AI-generated."""
        if message := call.request.params.get("message"):
            self.posts.change({"id": post.id, "message": message}, call.now)
        elif call.request.version >= "v27.0" and flag(call, "is_ai_generated"):
            self.posts.declare(post.id)
        else:
            raise missing("message")
        return {"success": True}

    def remove_post(self, call: NodeCall, post: Post) -> dict[str, Any]:
        """Delete a published or a scheduled post."""
        self.posts.remove(post, call.now)
        return {"success": True}

    def remove_video(self, call: NodeCall, video: Video) -> dict[str, Any]:
        """Delete a video and the post that shows it."""
        del self.shelf.videos[video.id]
        if video.post is not None:
            self.posts.remove(video.post, call.now)
            self.shelf.stories = [story for story in self.shelf.stories if story.media_id != video.id]
        return {"success": True}

    def scheduled(self, page_id: str, now: dt.datetime) -> list[Post]:
        """Return the posts of a Page that are not published yet."""
        return [dataclasses.replace(post) for post in self.posts.scheduled(page_id, now)]
