"""The addresses of a teacher's pages."""

from django.urls import path

from attendance.web.pages import board, screen, teacher

urlpatterns = [
    path("lessons/", teacher.lessons, name="lessons"),
    path("lessons/start/", teacher.start, name="start"),
    path("lessons/<uuid:lesson_id>/", board.board, name="board"),
    path("lessons/<uuid:lesson_id>/rows/", board.rows, name="rows"),
    path("lessons/<uuid:lesson_id>/add/", board.add, name="add"),
    path("lessons/<uuid:lesson_id>/finish/", board.finish, name="finish"),
    path("lessons/<uuid:lesson_id>/extend/", board.extend, name="extend"),
    path("lessons/<uuid:lesson_id>/screen/", screen.screen, name="screen"),
    path("lessons/<uuid:lesson_id>/screen/code/", screen.code, name="screen-code"),
    path("lessons/<uuid:lesson_id>/records/<str:school_number>/", board.record, name="record"),
]
